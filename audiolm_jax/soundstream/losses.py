"""Losses that SoundStream minimizes (s. III-E), as means over true samples."""

import functools
from collections.abc import Iterable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float

from audiolm_jax.nn import spectral
from audiolm_jax.soundstream.sounds import Sound

WINDOWS = (64, 128, 256, 512, 1024, 2048)
COMPLEX_WINDOWS = (256, 640, 1280)
MAGNITUDE_WINDOWS = (512, 1024, 2048)
NUM_MELS = 64
# White noise of this amplitude, -60 dB of full scale, counts as silence. Where
# the logarithm goes far deeper, the quietest frames get nearly all of the
# gradient.
SILENCE = 1e-3
# Where the mel scale turns from linear to logarithmic (O'Shaughnessy 1987).
_MEL_CORNER_HZ = 700.0


def reconstruction(
    names: Iterable[str],
    sound: Sound,
    output: Float[Array, 'B N'],
    sample_rate: int,
) -> tuple[dict[str, Array], dict[str, Array]]:
  """Values of the losses of these names, and their gradients at `output`."""
  functions = {
      'spectral': functools.partial(spectral_loss, sample_rate=sample_rate),
      'waveform': waveform_loss,
      'complex': complex_loss,
      'magnitude': functools.partial(magnitude_loss, sample_rate=sample_rate),
  }
  pairs = {
      name: jax.value_and_grad(functions[name], argnums=1)(
          sound.target, output, sound.num_valid
      )
      for name in names
  }
  return (
      {name: value for name, (value, _) in pairs.items()},
      {name: gradient for name, (_, gradient) in pairs.items()},
  )


def spectral_loss(
    target: Float[Array, 'B N'],
    output: Float[Array, 'B N'],
    num_valid: Float[Array, ''],
    sample_rate: int,
    windows: Sequence[int] = WINDOWS,
) -> Float[Array, '']:
  """Multi-scale mel distance of Gritsenko et al., per waveform sample.

  The paper sums over frames: sum_s sum_t |S - S'|_1 + a_s |log S - log S'|_2,
  a_s = sqrt(s / 2), hop s / 4. This is that sum over the whole batch divided
  by its number of true samples, `num_valid`, so it depends neither on the
  crop's length nor on the batch; window s keeps the weight 4 / s that its
  number of frames gives it. The published lambda_rec = 1 is thus a weight of N,
  the samples of a crop, on this mean.
  """
  total = jnp.zeros(())
  for window in windows:
    s, s_hat = (_mel(x, window, sample_rate) for x in (target, output))
    linear = jnp.abs(s - s_hat).sum()
    squares = jnp.square(jnp.log(s) - jnp.log(s_hat)).sum(axis=-1)
    logarithmic = jnp.sqrt(jnp.maximum(squares, 1e-12)).sum()
    total += linear + (window / 2) ** 0.5 * logarithmic
  return total / num_valid


def complex_loss(
    target: Float[Array, 'B N'],
    output: Float[Array, 'B N'],
    num_valid: Float[Array, ''],
    windows: Sequence[int] = COMPLEX_WINDOWS,
) -> Float[Array, '']:
  """Squared distance of compressed spectra, phases included, a true sample.

  Magnitudes are raised to the power 0.3, as in ESC (arXiv 2404.19441): the
  distance of the complex numbers, and that of their magnitudes. Not in the
  paper.
  """
  total = jnp.zeros(())
  for window in windows:
    pairs = (_compressed(x, window) for x in (target, output))
    (s, magnitude), (s_hat, magnitude_hat) = pairs
    difference = s - s_hat
    squares = jnp.square(difference.real) + jnp.square(difference.imag)
    squares += jnp.square(magnitude - magnitude_hat)
    # A mean over bins, and each frame stands for the samples of a hop.
    total += squares.mean(axis=-1).sum() * (window // 4)
  return total / (num_valid * len(windows))


def magnitude_loss(
    target: Float[Array, 'B N'],
    output: Float[Array, 'B N'],
    num_valid: Float[Array, ''],
    sample_rate: int,
    windows: Sequence[int] = MAGNITUDE_WINDOWS,
) -> Float[Array, '']:
  """Mean absolute difference of log magnitudes, bin by bin, a true sample.

  Mel bands of high frequencies hold many bins, of which harmonics are some;
  here each bin counts (arXiv 1910.11480), and as much as the mel scale is dense
  there: an eighth of the bins lies under 1 kHz and most of what one hears of a
  voice. Not in the paper.
  """
  total = jnp.zeros(())
  for window in windows:
    s, s_hat = (_log_magnitude(x, window) for x in (target, output))
    weights = mel_density(window, sample_rate)
    distance = jnp.abs(s - s_hat) @ (weights / len(weights))
    total += distance.sum() * (window // 4)
  return total / (num_valid * len(windows))


def mel_density(window: int, sample_rate: int) -> Float[np.ndarray, ' F']:
  """Density of the mel scale at each bin of a window; the mean is 1."""
  hertz = np.arange(window // 2 + 1) * (sample_rate / window)
  density = 1 / (_MEL_CORNER_HZ + hertz)
  return (density / density.mean()).astype(np.float32)


def waveform_loss(
    target: Float[Array, 'B N'],
    output: Float[Array, 'B N'],
    num_valid: Float[Array, ''],
) -> Float[Array, '']:
  """Mean absolute error in time: EnCodec's term, not in the paper."""
  return jnp.abs(target - output).sum() / num_valid


def si_snr(
    target: Float[Array, 'B N'],
    output: Float[Array, 'B N'],
    mask: Bool[Array, 'B N'],
) -> Float[Array, ' B']:
  """Scale-invariant signal-to-noise ratio in dB; finite for silence too."""
  count = jnp.maximum(mask.sum(axis=-1, keepdims=True), 1)
  target, output = (
      jnp.where(mask, x - (x * mask).sum(axis=-1, keepdims=True) / count, 0.0)
      for x in (target, output)
  )
  energy = jnp.square(target).sum(axis=-1)
  scale = (target * output).sum(axis=-1) / (energy + 1e-8)
  signal = scale[:, None] * target
  noise = jnp.square(output - signal).sum(axis=-1)
  ratio = (jnp.square(signal).sum(axis=-1) + 1e-8) / (noise + 1e-8)
  return 10 * jnp.log10(ratio)


def _log_magnitude(
    waveform: Float[Array, 'B N'], window: int
) -> Float[Array, 'B T F']:
  """Natural logarithm of magnitudes no smaller than those of silence."""
  spectra = _centred_stft(waveform, window)
  power = jnp.square(spectra.real) + jnp.square(spectra.imag)
  # A Hann window lets 3/8 of the power of white noise pass.
  return 0.5 * jnp.log(power + SILENCE**2 * 0.375 * window)


def _compressed(
    waveform: Float[Array, 'B N'], window: int
) -> tuple[Complex[Array, 'B T F'], Float[Array, 'B T F']]:
  """Spectra whose magnitudes are raised to 0.3, and these magnitudes."""
  spectra = _centred_stft(waveform, window)
  power = jnp.square(spectra.real) + jnp.square(spectra.imag) + 1e-8
  return spectra * power**-0.35, power**0.15


def _centred_stft(
    waveform: Float[Array, 'B N'], window: int
) -> Complex[Array, 'B T F']:
  waveform = jnp.pad(waveform, ((0, 0), (window // 2, window // 2)))
  return spectral.stft(waveform, window, window // 4)


def _mel(
    waveform: Float[Array, 'B N'], window: int, sample_rate: int
) -> Float[Array, 'B T M']:
  """Mel magnitudes, no smaller than those of silence."""
  spectra = _centred_stft(waveform, window)
  power = jnp.square(spectra.real) + jnp.square(spectra.imag)
  # The root's slope is infinite at 0.
  magnitude = jnp.sqrt(jnp.maximum(power, 1e-10))
  filters = spectral.mel_filterbank(NUM_MELS, window, sample_rate)
  return jnp.maximum(magnitude @ filters, silence(window, sample_rate))


def silence(window: int, sample_rate: int) -> float:
  """Mel magnitude of white noise of the amplitude SILENCE."""
  # A Hann window lets 3/8 of the power pass; a filter's weights sum to about
  # window / sample_rate.
  return SILENCE * (0.375 * window) ** 0.5 * window / sample_rate
