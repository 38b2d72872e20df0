"""Targets that hidden frames are predicted as: one discrete code a frame."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from audiolm_jax.nn.conformer import Dense


class Unmasked(NamedTuple):
  """The inputs that a quantizer may look at.

  Attributes:
    mel: Normalized log-mels at 100 Hz.
    x: Output of the convolutions on `mel`, at 25 Hz.
    valid: Frames that are not padding.
  """

  mel: Float[Array, 'B N M']
  x: Float[Array, 'B T D']
  valid: Bool[Array, 'B T']


class Codes(NamedTuple):
  """The quantizer's view of frames it sees in full.

  Attributes:
    vectors: Vectors that the contrastive half looks for.
    ids: Ids that the masked-prediction half predicts.
    drawn: Ids that `vectors` belong to; noise may make them differ from `ids`.
    probabilities: Probability of each code, without noise; diversity is
      measured on them.
  """

  vectors: Float[Array, 'B T D']
  ids: Int[Array, 'B T']
  drawn: Int[Array, 'B T']
  probabilities: Float[Array, 'B T K']


class GumbelQuantizer(nn.Module):
  """One learned codebook, chosen from by a straight-through Gumbel softmax.

  wav2vec 2.0 s. 2; w2v-BERT takes one codebook of 1024 codes, 1024 wide.
  """

  codebook_size: int
  code_dim: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self,
      unmasked: Unmasked,
      temperature: Float[Array, ''],
      deterministic: bool,
  ) -> Codes:
    # In float32 whatever the model computes in: in bfloat16 logits that are
    # close would tie, and the lowest id wins a tie.
    logits = Dense(self.codebook_size, ('embed', 'vocab'), name='logits')(
        unmasked.x.astype(jnp.float32)
    )
    codebook = self.param(
        'codebook',
        nn.with_logical_partitioning(
            nn.initializers.normal(1.0), ('vocab', 'embed')
        ),
        (self.codebook_size, self.code_dim),
    )
    noise = 0.0
    if not deterministic:
      noise = jax.random.gumbel(self.make_rng('quantizer'), logits.shape)
    soft = jax.nn.softmax((logits + noise) / temperature)
    drawn = soft.argmax(axis=-1)
    hard = jax.nn.one_hot(drawn, self.codebook_size)
    # Its value is the drawn code, its gradient that of all codes.
    choice = soft + jax.lax.stop_gradient(hard - soft)
    return Codes(
        (choice @ codebook).astype(self.dtype),
        logits.argmax(axis=-1),
        drawn,
        jax.nn.softmax(logits),
    )
