"""A tiny SoundStorm, and windows for it."""

import jax
import jax.numpy as jnp
import numpy as np

from audiolm_jax.soundstorm.model import SoundStorm
from audiolm_jax.training.state import unbox

MODEL = SoundStorm(
    semantic_codebook_size=6,
    codebook_size=9,
    num_quantizers=4,
    num_layers=2,
    embed_dim=16,
    num_heads=2,
    mlp_dim=24,
)


def window(num_rows: int, num_frames: int, seed: int = 0):
  """Random semantic ids and codes."""
  random = np.random.default_rng(seed)
  return (
      random.integers(6, size=(num_rows, num_frames)).astype(np.int32),
      random.integers(9, size=(num_rows, num_frames, 4)).astype(np.int32),
  )


def params(seed: int = 0):
  """Parameters far from the initial ones, so that everything counts."""
  frame = jnp.zeros((1, 1), jnp.int32)
  codes = jnp.zeros((1, 1, 4), jnp.int32)
  key = jax.random.key(seed)
  shapes = jax.eval_shape(MODEL.init, key, frame, codes, frame[0], frame[0])
  random = np.random.default_rng(seed)

  def weights(path, leaf):
    values = random.normal(size=leaf.shape).astype(np.float32)
    name = jax.tree_util.keystr(path, simple=True)
    if name.endswith('scale'):
      return 1 + 0.3 * values
    return values * (0.1 if name.endswith('bias') else 0.5)

  return jax.tree.map_with_path(weights, unbox(shapes['params']))
