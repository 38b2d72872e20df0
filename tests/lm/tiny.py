"""A language model that is compiled in a moment."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from audiolm_jax.lm.sampling import network
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.training.state import unbox

# Blocks of queries end inside of the sequences.
MODEL = Transformer(
    vocab_size=24,
    num_layers=2,
    embed_dim=8,
    num_heads=2,
    head_dim=4,
    mlp_dim=16,
    num_buckets=8,
    max_distance=16,
    query_block=5,
)


@functools.cache
def params():
  ids = jnp.zeros((1, 2), jnp.int32)
  variables = jax.jit(MODEL.init)(jax.random.key(0), ids, ids[0], ids)
  random = np.random.default_rng(1)
  # No scale stays 1: one norm could not be told from another.
  return jax.tree.map(
      lambda leaf: leaf + np.float32(0.3 * random.normal(size=leaf.shape)),
      unbox(variables)['params'],
  )


@functools.cache
def weights():
  return network.pack(MODEL, params())


def draw_ids(rows: int, length: int, seed: int = 0):
  return jax.random.randint(jax.random.key(seed), (rows, length), 2, 24)


def logits_of(inputs, positions, segment_ids=None, model=MODEL):
  segment_ids = jnp.ones_like(inputs) if segment_ids is None else segment_ids
  apply = jax.jit(model.apply)
  return apply({'params': params()}, inputs, positions, segment_ids)
