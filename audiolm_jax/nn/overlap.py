"""Waveforms to spectra of overlapping frames and back, in pieces or whole."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Complex, Float

from audiolm_jax.nn import past, spectral

# Least energy of overlapping windows, which is 1.5 where all of them are there.
# Less than this and the first samples of a clip would be amplified noise.
_MIN_ENERGY = 0.3


class Analysis(nn.Module):
  """Hann-windowed spectra, one for each whole hop; they hear only the past.

  Attributes:
    window: Samples of a spectrum, the last of which end with the hop.
    hop: Samples from one spectrum to the next.
  """

  window: int
  hop: int

  @nn.compact
  def __call__(self, waveform: Float[Array, 'B N']) -> Complex[Array, 'B T F']:
    heard = past.behind_past(self, waveform[..., None], self.window - self.hop)
    return spectral.stft(heard[..., 0], self.window, self.hop)


class OverlapAdd(nn.Module):
  """Hann-windowed inverse transforms, added up where they overlap.

  Each sample is divided by the energy of the windows that it got, so that
  spectra of `Analysis` come back as the waveform. Frames lie in the middle of
  their windows, so that samples depend on (window - hop) / 2 samples of frames
  that follow. A stream cannot wait for those: its pieces come out so many
  samples later than those of the whole.

  Attributes:
    window: Samples of a spectrum, a multiple of the hop.
    hop: Samples from one spectrum to the next.
  """

  window: int
  hop: int

  @property
  def delay(self) -> int:
    """Samples that a stream comes out late."""
    return (self.window - self.hop) // 2

  @nn.compact
  def __call__(
      self,
      spectra: Complex[Array, 'B T F'],
      present: Bool[Array, 'B T'] | None = None,
  ) -> Float[Array, 'B N']:
    """Returns T * hop samples; frames that are not `present` add nothing."""
    hann = spectral.hann(self.window)
    frames = jnp.fft.irfft(spectra, self.window) * hann[None, None]
    energy = jnp.ones(frames.shape[:2]) if present is None else present
    energies = energy[..., None] * jnp.square(hann)[None, None]
    if present is not None:
      frames = jnp.where(present[..., None], frames, 0.0)
    total = self._add('frames', frames)
    total /= jnp.maximum(self._add('energies', energies), _MIN_ENERGY)
    num_samples = frames.shape[1] * self.hop
    # The total begins with the first window, `delay` before its frame. A stream
    # begins there as well: its last samples are not finished yet.
    start = 0 if past.is_streaming(self) else self.delay
    return total[:, start : start + num_samples]

  def _add(
      self, name: str, frames: Float[Array, 'B T W']
  ) -> Float[Array, 'B M']:
    """All samples that the frames touch; keeps what later ones add to."""
    batch, num_frames, _ = frames.shape
    num_hops = self.window // self.hop
    parts = frames.reshape(batch, num_frames, num_hops, self.hop)
    # Hop i of frame t falls on hop t + i of the whole.
    total = sum(
        jnp.pad(parts[:, :, i], ((0, 0), (i, num_hops - 1 - i), (0, 0)))
        for i in range(num_hops)
    )
    if past.is_streaming(self):
      shape = (batch, num_hops - 1, self.hop)
      tail = self.variable('stream', name, jnp.zeros, shape, total.dtype)
      more = ((0, 0), (0, num_frames), (0, 0))
      total += jnp.pad(tail.value, more)
      tail.value = total[:, num_frames:]
    return total.reshape(batch, -1)
