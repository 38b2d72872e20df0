"""Models small enough to train in a test, and something to hear."""

import jax.numpy as jnp
import numpy as np

from audiolm_jax.w2v_bert.model import W2vBert

HOP = 640


def model(**changes):
  sizes = dict(
      num_mels=16,
      conv_channels=4,
      embed_dim=16,
      num_heads=2,
      mlp_dim=32,
      num_contrastive_layers=1,
      num_mlm_layers=2,
      codebook_size=8,
      code_dim=8,
      dropout_rate=0.0,
  )
  return W2vBert(**(sizes | changes))


def tunes(batch_size, num_frames, seed=0):
  """Sequences of tones: something that context helps to predict."""
  random = np.random.default_rng(seed)
  notes = random.integers(0, 6, (batch_size, num_frames // 5 + 1))
  pitch = 200 * 2 ** np.repeat(notes / 2, 5 * HOP, axis=1)
  phase = np.cumsum(2 * np.pi * pitch / 16000, axis=1)
  waveform = 0.3 * np.sin(phase[:, : num_frames * HOP])
  noise = 0.001 * random.normal(size=waveform.shape)
  return (waveform + noise).astype(np.float32)


def batch(batch_size=4, num_frames=40, seed=0):
  waveform = tunes(batch_size, num_frames, seed)
  length = np.full(batch_size, waveform.shape[1], np.int32)
  return {'waveform': jnp.asarray(waveform), 'length': jnp.asarray(length)}
