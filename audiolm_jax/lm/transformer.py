"""The decoder-only Transformer of all three stages (AudioLM s. III-C, IV-B)."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.lm.blocks import Biases, Block, RMSNorm, dropout
from audiolm_jax.nn.attention import RelativePositionBias

_REMAT_POLICIES = {
    'none': jax.checkpoint_policies.everything_saveable,
    'minimal': jax.checkpoint_policies.checkpoint_dots_with_no_batch_dims,
    'full': jax.checkpoint_policies.nothing_saveable,
}


class Transformer(nn.Module):
  """T5X's decoder-only Transformer: ids in, logits of the next ids out.

  Pre-norm RMSNorm without biases, gated GELU, embeddings shared with the
  logits, one relative position bias for all layers. The defaults are AudioLM's
  sizes (s. IV-B). Parameters are those of one layer each, whatever the last
  three attributes say: they change how it computes, not what.

  Attributes:
    vocab_size: Number of ids.
    num_layers: Number of blocks.
    embed_dim: Width between the blocks.
    num_heads: Attention heads.
    head_dim: Width of a head.
    mlp_dim: Hidden width of the MLPs.
    dropout_rate: In every branch; the same for all places of a row, as in T5X.
    num_buckets: Number of buckets of the relative position bias.
    max_distance: In positions; farther ones share a bucket.
    bidirectional_bias: Whether the bias tells places ahead from this one. A
      prefix in time may lie ahead; T5X, which counts ids, does without and has
      all buckets for the past.
    dtype: Type of the computation; parameters, softmax and logits are float32.
    query_block: Queries that attend together; what lies ahead of a block costs
      no work.
    scan_layers: Compiles one layer instead of all: for deep models on
      accelerators. Slower on CPU.
    remat_policy: Values that the backward pass computes again instead of
      storing them, as t5x has it: 'none', 'minimal' (attention and activations,
      but no products with weights) or 'full' (all of a layer).
  """

  vocab_size: int
  num_layers: int = 12
  embed_dim: int = 1024
  num_heads: int = 16
  head_dim: int = 64
  mlp_dim: int = 4096
  dropout_rate: float = 0.1
  num_buckets: int = 32
  max_distance: int = 128
  bidirectional_bias: bool = True
  dtype: Any = jnp.float32
  query_block: int = 256
  scan_layers: bool = False
  remat_policy: str = 'none'

  def setup(self):
    if self.remat_policy not in _REMAT_POLICIES:
      raise UserError(
          f'There is no remat_policy {self.remat_policy!r}; choose one of'
          f' {", ".join(_REMAT_POLICIES)}.'
      )
    self.embedding = self.param(
        'embedding',
        nn.with_logical_partitioning(
            nn.initializers.normal(1.0), ('vocab', 'embed')
        ),
        (self.vocab_size, self.embed_dim),
    )
    self.position_bias = RelativePositionBias(
        self.num_heads,
        self.num_buckets,
        self.max_distance,
        self.bidirectional_bias,
    )
    self.layers = [self._block() for _ in range(self.num_layers)]
    self.norm = RMSNorm(self.dtype)
    self.dropout = dropout(self.dropout_rate)

  def __call__(
      self,
      inputs: Int[Array, 'B L'],
      positions: Int[Array, ' L'],
      segment_ids: Int[Array, 'B L'],
      deterministic: bool = True,
  ) -> Float[Array, 'B L V']:
    """Logits of the id that follows each input.

    A place sees itself and what is before it in its segment, wherever their
    positions are; segment 0 is padding. Needs a random stream 'dropout' unless
    deterministic.
    """
    x = self.dropout(self._embed(inputs), deterministic)
    mask = causal_mask(segment_ids)
    biases = self._biases(positions)
    x = self._run_layers(x, biases, mask, deterministic)
    return self._logits(self.dropout(self.norm(x), deterministic))

  def _block(self, **options: Any) -> Block:
    return Block(
        self.num_heads,
        self.head_dim,
        self.mlp_dim,
        self.dropout_rate,
        self.dtype,
        **options,
    )

  def _embed(self, inputs: Int[Array, 'B L']) -> Float[Array, 'B L D']:
    x = self.embedding.astype(self.dtype)[inputs]
    return nn.with_logical_constraint(x, ('batch', 'length', 'embed'))

  def _biases(self, positions: Int[Array, ' L']) -> Biases:
    """Biases of each block of queries to all keys up to its end."""
    return [
        self.position_bias(positions[start:end], positions[:end])
        for start, end in query_blocks(len(positions), self.query_block)
    ]

  def _run_layers(
      self,
      x: Float[Array, 'B L D'],
      biases: Biases,
      mask: Bool[Array, 'B L S'],
      deterministic: bool,
  ) -> Float[Array, 'B L D']:
    if self.is_initializing():
      for layer in self.layers:
        x = layer(x, biases, mask)
      return x
    # Layers own their parameters one by one, so that checkpoints do not know
    # whether they are scanned.
    block = self._block(parent=None)

    def run(x: Array, layer: PyTree) -> tuple[Array, None]:
      x = block.apply(
          {'params': layer['params']},
          x,
          biases,
          mask,
          deterministic=deterministic,
          rngs=layer['rngs'],
      )
      return x, None

    if self.remat_policy != 'none':
      run = jax.checkpoint(run, policy=_REMAT_POLICIES[self.remat_policy])
    layers = [
        {
            'params': layer.variables['params'],
            'rngs': {}
            if deterministic
            else {'dropout': self.make_rng('dropout')},
        }
        for layer in self.layers
    ]
    if self.scan_layers:
      layers = jax.tree.map(lambda *leaves: jnp.stack(leaves), *layers)
      return jax.lax.scan(run, x, layers)[0]
    for layer in layers:
      x, _ = run(x, layer)
    return x

  def _logits(self, x: Float[Array, 'B L D']) -> Float[Array, 'B L V']:
    rows = (x / self.embed_dim**0.5).reshape(-1, self.embed_dim)
    embedding = self.embedding.astype(self.dtype)
    logits = jnp.matmul(rows, embedding.T, preferred_element_type=jnp.float32)
    logits = logits.reshape(*x.shape[:-1], self.vocab_size)
    return nn.with_logical_constraint(logits, ('batch', 'length', 'vocab'))


def query_blocks(length: int, size: int) -> list[tuple[int, int]]:
  """Returns where blocks of queries start and end."""
  return [
      (start, min(start + size, length)) for start in range(0, length, size)
  ]


def causal_mask(segment_ids: Int[Array, 'B L']) -> Bool[Array, 'B L L']:
  """A place sees its past in its segment; in segment 0, which is padding, it
  sees itself."""
  same = segment_ids[:, :, None] == segment_ids[:, None, :]
  places = jnp.arange(segment_ids.shape[1])
  past = places[None] <= places[:, None]
  itself = places[None] == places[:, None]
  return jnp.where(segment_ids[:, :, None] > 0, same & past[None], itself[None])
