"""A quantizer that hears at once: k-means of cepstra, kept up to date.

The learned quantizer of w2v-BERT needs very many steps before its codes mean
anything. Where there are minutes instead of weeks, codes of cepstra are the
better target from the first step on, as in HuBERT's first iteration; only
where the codes come from differs, the losses stay the same. Codes of a fixed
random projection (BEST-RQ) say less about phones than k-means on cepstra do.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Bool, Float

from audiolm_jax.soundstream import codebooks, quantizer
from audiolm_jax.w2v_bert.quantizer import Codes, Unmasked

NUM_CEPSTRA = 13  # As many as MFCCs of speech usually are.
NUM_ENVELOPE = 4  # Cepstra that say more about loudness and timbre than pitch.


class CepstralQuantizer(nn.Module):
  """Nearest centroid of a frame's cepstra; the centroids follow the data.

  They live in the collection 'codebooks' and move while training. There is no
  choice to be drawn, so the temperature has no effect.

  Attributes:
    codebook_size: Centroids.
    code_dim: Width of the learned vector of each.
    dtype: Type of that vector.
    describe: Features of a frame that are compared: `envelope` or `pitch`.
  """

  codebook_size: int
  code_dim: int
  dtype: Any
  describe: Callable[..., Float[Array, 'B T D']]

  @nn.compact
  def __call__(
      self,
      unmasked: Unmasked,
      temperature: Float[Array, ''],
      deterministic: bool,
  ) -> Codes:
    valid = unmasked.valid
    z = self.describe(unmasked.mel, valid)
    books = self.variable(
        'codebooks',
        'cepstra',
        lambda: codebooks.empty(1, self.codebook_size, z.shape[-1]),
    )
    if not deterministic:
      # Before the first choice: in books that are still empty all vectors are
      # alike, and every frame would get the same code.
      first, later = jax.random.split(self.make_rng('quantizer'))
      books.value = codebooks.initialize(books.value, z, valid, first)
    levels = jnp.ones(len(z), jnp.int32)
    quantized = quantizer.quantize(z, books.value.vectors, levels, valid)
    if not deterministic:
      books.value = codebooks.update(books.value, quantized, later)
    embedding = self.param(
        'codebook',
        nn.with_logical_partitioning(
            nn.initializers.normal(1.0), ('vocab', 'embed')
        ),
        (self.codebook_size, self.code_dim),
    )
    ids = quantized.codes[..., 0]
    # No gradient comes back from a choice: the diversity loss is a figure here,
    # and teaches nothing.
    probabilities = jax.nn.one_hot(ids, self.codebook_size)
    vectors = embedding[ids].astype(self.dtype)
    return Codes(vectors, ids, ids, probabilities)


def envelope(
    mel: Float[Array, 'B N M'], valid: Bool[Array, 'B T']
) -> Float[Array, 'B T D']:
  """The spectrum's envelope, for speech: 13 cepstra and their slopes.

  Mean and deviation are the clip's own, so that codes say little about voice
  and microphone. These are targets: features never depend on them.
  """
  static = _cepstra(mel, valid)[..., :NUM_CEPSTRA]
  padded = jnp.pad(static, ((0, 0), (1, 1), (0, 0)), mode='edge')
  slopes = (padded[:, 2:] - padded[:, :-2]) / 2
  return _standardize(jnp.concatenate([static, slopes], axis=-1), valid)


def pitch(
    mel: Float[Array, 'B N M'], valid: Bool[Array, 'B T']
) -> Float[Array, 'B T D']:
  """The spectrum without its envelope, for music: where the partials are."""
  return _cepstra(mel, valid)[..., NUM_ENVELOPE:]


def _cepstra(
    mel: Float[Array, 'B N M'], valid: Bool[Array, 'B T']
) -> Float[Array, 'B T M']:
  """Cosine transforms of log-mels, averaged to 25 Hz."""
  batch, num_frames = valid.shape
  frames = mel.reshape(batch, num_frames, -1, mel.shape[-1]).mean(axis=2)
  return frames @ _cosines(mel.shape[-1])


def _standardize(
    x: Float[Array, 'B T D'], valid: Bool[Array, 'B T']
) -> Float[Array, 'B T D']:
  # Never by 0: each clip has a valid frame (frontend.num_frames).
  weights = valid[..., None] / valid.sum(axis=1)[:, None, None]
  x = x - (x * weights).sum(axis=1, keepdims=True)
  variance = (jnp.square(x) * weights).sum(axis=1, keepdims=True)
  # A clip of one frame has no deviation: it stays 0, and is not 0 / 0.
  return x * jax.lax.rsqrt(variance + 1e-4)


def _cosines(num_mels: int) -> Float[np.ndarray, 'M M']:
  """The discrete cosine transform from mel bins to cepstra."""
  places = (np.arange(num_mels) + 0.5) * np.pi / num_mels
  # The first wave is longer than the others. It does not matter: `envelope`
  # standardizes its cepstrum, and `pitch` leaves it out.
  waves = np.cos(places[:, None] * np.arange(num_mels)[None])
  return (waves * (2 / num_mels) ** 0.5).astype(np.float32)
