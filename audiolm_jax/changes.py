"""One crop as it might sound elsewhere: level, voice, colour, noise and echo.

Nothing is moved in time, except where the pitch changes: what is heard at a
sample is heard there still. Silence stays silent.
"""

import dataclasses

import numpy as np
import soxr
from jaxtyping import Float

_PEAK = 0.99
_LOWEST_HZ = 60.0
_PLACES = 6  # In frequency, where the colour is drawn.
_ECHO_AFTER = 0.002  # Seconds.
_DECAY = np.log(1000.0)  # By 60 dB.

Range = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Changes:
  """Shares of the crops that are changed in each way, and how much.

  Attributes:
    gain_db: Least and greatest gain, where it is drawn.
    gain_share: Share of the crops that get one.
    quiet_db: The gain of those that are far away.
    quiet_share: Share of the crops that are, instead of the other gain.
    pitch: Least and greatest factor of a voice's pitch and speed.
    pitch_share: Share of the crops that change it.
    colour_db: The most that a frequency is raised or lowered by, smoothly.
    colour_share: Share of the crops that change it.
    snr_db: Ratio of the crop's energy to that of the noise, white to brown.
    noise_share: Share of the crops that get noise.
    echo_db: Energy of the echo, beside that of the sound itself.
    echo_seconds: Until it has lost 60 dB.
    echo_share: Share of the crops that get one.
  """

  gain_db: Range = (-6.0, 4.0)
  gain_share: float = 1.0
  quiet_db: Range = (-30.0, -6.0)
  quiet_share: float = 0.1
  pitch: Range = (0.85, 1.18)
  pitch_share: float = 0.5
  colour_db: float = 6.0
  colour_share: float = 0.5
  snr_db: Range = (20.0, 50.0)
  noise_share: float = 0.3
  echo_db: Range = (-25.0, -8.0)
  echo_seconds: Range = (0.1, 0.5)
  echo_share: float = 0.2


def change(
    crop: Float[np.ndarray, ' N'],
    sample_rate: int,
    changes: Changes,
    draws: np.random.Generator,
) -> Float[np.ndarray, ' N2']:
  """The same draws give the same; longer or shorter if the pitch changes."""
  # All at once, so that a share of 0 leaves the other changes as they are.
  shares = np.array(
      [
          changes.pitch_share,
          changes.colour_share,
          changes.echo_share,
          changes.noise_share,
          changes.quiet_share,
          changes.gain_share,
      ]
  )
  chosen = draws.random(len(shares)) < shares
  if not chosen.any() or not crop.any():
    return crop
  pitched, coloured, echoing, noisy, quiet, louder = chosen
  if pitched:
    crop = faster(crop, draws.uniform(*changes.pitch))
  if coloured:
    crop = filtered(crop, colour(len(crop), sample_rate, changes, draws))
  if echoing:
    crop = crop + echo(crop, sample_rate, changes, draws)
  if noisy:
    crop = crop + noise(crop, draws.uniform(*changes.snr_db), draws)
  if quiet or louder:
    decibels = draws.uniform(*(changes.quiet_db if quiet else changes.gain_db))
    crop = crop * np.float32(10 ** (decibels / 20))
  return crop * np.float32(min(1.0, _PEAK / max(np.abs(crop).max(), 1e-9)))


def faster(
    crop: Float[np.ndarray, ' N'], pitch: float
) -> Float[np.ndarray, ' N2']:
  """Higher by that factor, formants and all: a smaller head that talks fast."""
  length = max(round(len(crop) / pitch), 1)
  made = soxr.resample(crop, pitch, 1.0, quality='MQ')[:length]
  return np.pad(made, (0, length - len(made)))


def colour(
    length: int, sample_rate: int, changes: Changes, draws: np.random.Generator
) -> Float[np.ndarray, ' F']:
  """Gains of the frequencies of a padded crop: smooth over the octaves."""
  hertz = np.fft.rfftfreq(_padded(length), 1 / sample_rate)
  places = np.geomspace(_LOWEST_HZ, sample_rate / 2, _PLACES)
  most = changes.colour_db
  decibels = draws.uniform(-most, most, _PLACES)
  octaves = np.log2(np.maximum(hertz, _LOWEST_HZ))
  smooth = np.interp(octaves, np.log2(places), decibels)
  return (10 ** (smooth / 20)).astype(np.float32)


def filtered(
    crop: Float[np.ndarray, ' N'], gains: Float[np.ndarray, ' F']
) -> Float[np.ndarray, ' N']:
  """Without a delay; the padding keeps the end out of the beginning."""
  padded = _padded(len(crop))
  spectrum = np.fft.rfft(crop, padded) * gains
  return np.fft.irfft(spectrum, padded)[: len(crop)].astype(np.float32)


def echo(
    crop: Float[np.ndarray, ' N'],
    sample_rate: int,
    changes: Changes,
    draws: np.random.Generator,
) -> Float[np.ndarray, ' N']:
  """The echo of a room: noise that fades, without the sound itself."""
  fades = draws.uniform(*changes.echo_seconds)
  time = np.arange(round(fades * sample_rate)) / sample_rate
  answer = draws.standard_normal(len(time), np.float32)
  answer *= np.exp(-_DECAY * time / fades) * (time > _ECHO_AFTER)
  energy = 10 ** (draws.uniform(*changes.echo_db) / 10)
  answer *= np.sqrt(energy / max(np.square(answer).sum(), 1e-9))
  padded = _padded(len(crop) + len(answer))
  spectrum = np.fft.rfft(crop, padded) * np.fft.rfft(answer, padded)
  return np.fft.irfft(spectrum, padded)[: len(crop)].astype(np.float32)


def noise(
    crop: Float[np.ndarray, ' N'], snr_db: float, draws: np.random.Generator
) -> Float[np.ndarray, ' N']:
  """Between white noise and brown, so far below the energy of the crop."""
  padded = _padded(len(crop))
  white = np.fft.rfft(draws.standard_normal(padded, np.float32))
  number = np.arange(len(white), dtype=np.float32)
  falls = np.maximum(number, padded / 256) ** np.float32(-draws.uniform(0, 1))
  made = np.fft.irfft(white * falls, padded)[: len(crop)]
  ratio = np.square(crop).sum() / max(np.square(made).sum(), 1e-20)
  return (made * np.sqrt(ratio) * 10 ** (-snr_db / 20)).astype(np.float32)


def _padded(length: int) -> int:
  """A length that transforms fast, with room for what a filter drags along."""
  room = length + 1024
  step = 2 ** max(room.bit_length() - 4, 0)
  return -(-room // step) * step
