"""A Conformer that fills masked acoustic codes in (arXiv 2305.09636)."""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from audiolm_jax.nn.conformer import ConformerBlock


class SoundStorm(nn.Module):
  """Frames in both directions; the defaults are the paper's 350 M (s. 3.2).

  The embeddings of a frame's semantic token and of its acoustic codes, or of
  their masks, are summed; each level has a head of its own. Unlike the paper's,
  blocks start out faint and have no BatchNorm (audiolm_jax.nn.conformer).

  Attributes:
    semantic_codebook_size: Semantic tokens.
    semantic_per_frame: Semantic tokens of an acoustic frame. The paper's have
      the same rate; of faster ones the embeddings are summed, each from a table
      of its place.
    codebook_size: Acoustic codes of a level; this number itself is the mask.
    num_quantizers: Levels of acoustic codes.
    num_layers: Conformer blocks.
    embed_dim: Width of the frames.
    num_heads: Attention heads, with rotary positions.
    mlp_dim: Hidden width of the feed-forwards.
    conv_kernel: Taps of the depthwise convolutions.
    dropout_rate: In every branch of a block.
    dtype: Type of the computation; parameters and logits are float32.
  """

  semantic_codebook_size: int = 1024
  semantic_per_frame: int = 1
  codebook_size: int = 1024
  num_quantizers: int = 12
  num_layers: int = 12
  embed_dim: int = 1024
  num_heads: int = 16
  mlp_dim: int = 4096
  conv_kernel: int = 5
  dropout_rate: float = 0.1
  dtype: Any = jnp.float32

  @property
  def mask_id(self) -> int:
    """Stands where a code is not known."""
    return self.codebook_size

  def setup(self):
    num_levels, width = self.num_quantizers, self.embed_dim
    # What is summed up has unit variance.
    init = nn.initializers.normal((num_levels + 1) ** -0.5)
    num_semantic = self.semantic_per_frame * self.semantic_codebook_size
    self.semantic = self._param(
        'semantic', init, ('vocab', 'embed'), num_semantic, width
    )
    self.acoustic = self._param(
        'acoustic',
        init,
        ('stack', 'vocab', 'embed'),
        num_levels,
        self.codebook_size,
        width,
    )
    # Apart, so that the codes divide evenly over a mesh.
    self.mask = self._param('mask', init, ('stack', 'embed'), num_levels, width)
    self.blocks = [
        ConformerBlock(
            self.num_heads,
            self.mlp_dim,
            self.conv_kernel,
            self.dropout_rate,
            self.dtype,
        )
        for _ in range(self.num_layers)
    ]
    heads = nn.initializers.variance_scaling(
        1.0, 'fan_in', 'truncated_normal', batch_axis=0
    )
    self.head_kernel = self._param(
        'head_kernel',
        heads,
        ('stack', 'embed', 'vocab'),
        num_levels,
        width,
        self.codebook_size,
    )
    self.head_bias = self._param(
        'head_bias',
        nn.initializers.zeros,
        ('stack', 'vocab'),
        num_levels,
        self.codebook_size,
    )

  def __call__(
      self,
      semantic: Int[Array, 'B T'],
      acoustic: Int[Array, 'B T Q'],
      lengths: Int[Array, ' B'],
      levels: Int[Array, ' B'],
      deterministic: bool = True,
  ) -> Float[Array, 'B T K']:
    """Logits of one level's codes, another of each row if need be.

    A row depends neither on its padding nor on the rest of the batch.

    Args:
      semantic: Ids at the acoustic rate (tokens.frames.at_acoustic_rate).
      acoustic: Codes, or mask_id where they are not known.
      lengths: Frames of each row; the others are padding.
      levels: Level of each row whose head is asked, from 0.
      deterministic: No dropout; else there must be a random stream 'dropout'.
    """
    frames = self.frames(semantic, acoustic, lengths, deterministic)
    return self.logits(frames, levels)

  def frames(
      self,
      semantic: Int[Array, 'B T'],
      acoustic: Int[Array, 'B T Q'],
      lengths: Int[Array, ' B'],
      deterministic: bool = True,
  ) -> Float[Array, 'B T D']:
    """Everything below the heads; arguments are those of a call."""
    num_frames = jnp.maximum(lengths, 1)  # Attention has to see something.
    valid = jnp.arange(semantic.shape[1])[None] < num_frames[:, None]
    x = self._embed(semantic, acoustic)
    for block in self.blocks:
      x = block(x, None, valid, deterministic)
    return x

  def logits(
      self, frames: Float[Array, 'B T D'], levels: Int[Array, ' B']
  ) -> Float[Array, 'B T K']:
    """Logits of `frames` by the head of each row's level."""
    kernel = self.head_kernel.astype(self.dtype)[levels]
    logits = jnp.einsum(
        'btd,bdk->btk', frames, kernel, preferred_element_type=jnp.float32
    )
    logits += self.head_bias[levels][:, None]
    return nn.with_logical_constraint(logits, ('batch', 'length', 'vocab'))

  def _param(
      self, name: str, init: Any, axes: tuple[str, ...], *shape: int
  ) -> Array:
    return self.param(name, nn.with_logical_partitioning(init, axes), shape)

  def _embed(
      self, semantic: Int[Array, 'B T'], acoustic: Int[Array, 'B T Q']
  ) -> Float[Array, 'B T D']:
    table, size = self.semantic.astype(self.dtype), self.semantic_codebook_size
    x = table[semantic % size]
    for place in range(1, self.semantic_per_frame):
      semantic //= size
      x += table[semantic % size + place * size]
    tables = self.acoustic.astype(self.dtype), self.mask.astype(self.dtype)
    for codes, table, mask in zip(
        jnp.moveaxis(acoustic, -1, 0), *tables, strict=True
    ):
      known = table[jnp.minimum(codes, self.mask_id - 1)]
      x += jnp.where(
          (codes == self.mask_id)[..., None], mask[None, None], known
      )
    return nn.with_logical_constraint(x, ('batch', 'length', 'embed'))
