"""Distortions of a clip on its way to a listener: codecs, rates, noise, gain.

Training draws from these so that a classifier does not lean on what they
destroy; an evaluation applies them one by one.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
from jaxtyping import Float

Waveform = Float[np.ndarray, ' N']
Distortion = Callable[[Waveform, int, np.random.Generator], Waveform]


def gain(lowest_db: float, highest_db: float) -> Distortion:
  """Louder or softer; what is beyond full scale is clipped."""

  def apply(
      waveform: Waveform, rate: int, draws: np.random.Generator
  ) -> Waveform:
    del rate
    decibels = draws.uniform(lowest_db, highest_db)
    return np.clip(waveform * np.float32(10 ** (decibels / 20)), -1, 1)

  return apply


def noise(lowest_snr_db: float, highest_snr_db: float) -> Distortion:
  """White noise so far below the clip's mean power."""

  def apply(
      waveform: Waveform, rate: int, draws: np.random.Generator
  ) -> Waveform:
    del rate
    snr = draws.uniform(lowest_snr_db, highest_snr_db)
    level = np.sqrt(np.mean(np.square(waveform))) * 10 ** (-snr / 20)
    hiss = draws.standard_normal(len(waveform), np.float32)
    return waveform + np.float32(level) * hiss

  return apply


def resampled(lowest_hz: float, highest_hz: float) -> Distortion:
  """To another rate and back: nothing is left above half of it."""

  def apply(
      waveform: Waveform, rate: int, draws: np.random.Generator
  ) -> Waveform:
    other = round(draws.uniform(lowest_hz, highest_hz))
    there = soxr.resample(waveform, rate, other)
    return _fit(soxr.resample(there, other, rate), len(waveform))

  return apply


def coded(
    container: str,
    subtype: str,
    levels: tuple[float, float] | None = None,
    rate_hz: int | None = None,
) -> Distortion:
  """Through a codec of libsndfile, at one mean bit rate.

  Args:
    container: Its format, such as 'MP3'.
    subtype: The codec in it.
    levels: Lowest and highest compression level, from 0 to 1; None where the
      codec has one bit rate only.
    rate_hz: Sample rate of the codec, in Hz, if it is for one rate only.
  """

  def apply(
      waveform: Waveform, rate: int, draws: np.random.Generator
  ) -> Waveform:
    options = {}
    if levels is not None:
      options['compression_level'] = draws.uniform(*levels)
    coded_rate = rate_hz or rate
    content = io.BytesIO()
    soundfile.write(
        content,
        np.clip(soxr.resample(waveform, rate, coded_rate), -1, 1),
        coded_rate,
        format=container,
        subtype=subtype,
        **options,
    )
    content.seek(0)
    decoded, _ = soundfile.read(content, dtype='float32')
    return _fit(soxr.resample(decoded, coded_rate, rate), len(waveform))

  return apply


class Chance(NamedTuple):
  """A distortion and how often training meets it."""

  probability: float
  distortion: Distortion


def mp3(hardest: float = 0.85, easiest: float = 0.5) -> Distortion:
  """84 to about 35 kbit/s at 16 kHz; harder levels shift the sound in time."""
  return coded('MP3', 'MPEG_LAYER_III', (easiest, hardest))


def opus(hardest: float = 1.0, easiest: float = 0.8) -> Distortion:
  """60 to 9 kbit/s of a mono clip."""
  return coded('OGG', 'OPUS', (easiest, hardest))


# Each is met independently of the others, in this order.
TRAINING = (
    Chance(0.3, resampled(7000.0, 15000.0)),
    Chance(0.3, noise(15.0, 40.0)),
    Chance(0.5, gain(-12.0, 6.0)),
    Chance(0.15, mp3()),
    # More often than the others: it hides most of what gives away that a clip
    # was generated, and clips reach their listeners by it.
    Chance(0.3, opus()),
)


def augmented(
    waveform: Waveform,
    rate: int,
    draws: np.random.Generator,
    chances: Sequence[Chance] = TRAINING,
) -> Waveform:
  """A clip as it may reach a listener; the same draws, the same clip."""
  for chance in chances:
    if draws.uniform() < chance.probability:
      waveform = chance.distortion(waveform, rate, draws)
  return waveform


# Distortions of an evaluation; training did not meet one of them: GSM.
EVALUATED: Mapping[str, Distortion] = {
    'MP3, 42 kbit/s': mp3(0.8, 0.8),
    'Opus, 9 kbit/s': opus(1.0, 1.0),
    '8 kHz and back': resampled(8000.0, 8000.0),
    'white noise, 20 dB below': noise(20.0, 20.0),
    '6 dB louder': gain(6.0, 6.0),
    '6 dB softer': gain(-6.0, -6.0),
    'GSM 6.10 at 8 kHz, which training never met': coded(
        'WAV', 'GSM610', rate_hz=8000
    ),
}


def _fit(waveform: Float[np.ndarray, ' _'], length: int) -> Waveform:
  return np.pad(waveform[:length], (0, max(length - len(waveform), 0)))
