"""Models small enough to train in a test, and something to hear."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from audiolm_jax.semantic_vq.model import SemanticVq
from audiolm_jax.semantic_vq.train_step import SemanticVqTrainStep
from audiolm_jax.training import optimizers
from audiolm_jax.training.state import unbox

HOP = 320
MODEL = SemanticVq(
    encoder_layers=1,
    encoder_dim=16,
    code_dim=8,
    codebook_size=8,
    decoder_layers=1,
    decoder_dim=16,
    voice_layers=1,
    voice_dim=8,
)


def train_step(rate: float = 3e-3, **settings) -> SemanticVqTrainStep:
  return SemanticVqTrainStep(MODEL, optimizers.adam(rate), **settings)


def tunes(num_rows: int, num_frames: int, seed: int = 0):
  """Tones in some noise, another every 100 ms."""
  random = np.random.default_rng(seed)
  notes = random.integers(0, 6, (num_rows, num_frames // 5 + 1))
  pitch = 200 * 2 ** np.repeat(notes / 2, 5 * HOP, axis=1)
  phase = np.cumsum(2 * np.pi * pitch / 16000, axis=1)
  waveform = 0.3 * np.sin(phase[:, : num_frames * HOP])
  noise = 0.01 * random.normal(size=waveform.shape)
  return (waveform + noise).astype(np.float32)


def batch(num_rows: int = 4, num_frames: int = 40, seed: int = 0):
  waveform = tunes(num_rows, num_frames, seed)
  length = np.full(num_rows, waveform.shape[1], np.int32)
  return {'waveform': jnp.asarray(waveform), 'length': jnp.asarray(length)}


@functools.cache
def params(seed: int = 0):
  """Parameters far from the initial ones, so that everything counts."""
  shapes = jax.eval_shape(
      MODEL.init,
      jax.random.key(0),
      jnp.zeros((1, 2 * HOP)),
      jnp.full(1, 2 * HOP),
  )
  random = np.random.default_rng(seed)

  def weights(leaf):
    fan_in = leaf.shape[0] if leaf.ndim > 1 else 4
    return (random.normal(size=leaf.shape) / fan_in**0.5).astype(np.float32)

  return jax.tree.map(weights, unbox(shapes['params']))


def codebooks(seed: int = 0):
  shape = (1, MODEL.codebook_size, MODEL.code_dim)
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
