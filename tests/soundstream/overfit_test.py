"""Training a codec on one clip: does it converge, and stay there?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.soundstream.adversary import Adversary
from audiolm_jax.soundstream.discriminators import Discriminators
from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.soundstream.train_step import SoundStreamTrainStep
from audiolm_jax.training import optimizers

MODEL = SoundStream(
    8, 8, strides=(4, 8), embedding_dim=32, num_quantizers=4, codebook_size=32
)


def clip():
  """A gliding voice: harmonics under two formants, in syllables."""
  t = np.arange(8000) / 16000
  pitch = 140 + 30 * np.sin(2 * np.pi * 3 * t)
  phase = 2 * np.pi * np.cumsum(pitch) / 16000
  harmonics = np.arange(1, 20)[:, None]
  formants = np.exp(-(((harmonics * 140 - 600) / 400) ** 2))
  formants += 0.5 * np.exp(-(((harmonics * 140 - 1800) / 500) ** 2))
  voice = (formants * np.sin(harmonics * phase[None])).sum(axis=0)
  syllables = np.sin(2 * np.pi * 4 * t) ** 2
  return (0.15 * voice * syllables).astype(np.float32)


BATCH = {'waveform': jnp.asarray(clip())[None], 'length': jnp.array([8000])}


@pytest.fixture
def train_step():
  adversary = Adversary(
      Discriminators(4, 16, 4, num_scales=1),
      optimizers.adam(1e-3, b1=0.5, b2=0.9),
      weights={'adversarial': 0.2, 'feature_matching': 0.2},
      start_step=250,
  )
  return SoundStreamTrainStep(
      MODEL,
      optimizers.adam(2e-3),
      adversary,
      weights={'spectral': 1.0, 'waveform': 1.0},
  )


@pytest.fixture
def state(train_step):
  """Made before `optimized`: what runs once need not be fast."""
  return jax.jit(train_step.init)(jax.random.key(0), BATCH)


@pytest.mark.slow
def test_one_clip_is_learnt_and_the_adversary_does_not_undo_it(
    train_step, state, optimized
):
  key = jax.random.key(0)
  step = jax.jit(train_step.step, donate_argnums=0)
  evaluate = jax.jit(train_step.evaluate)
  state, _ = step(state, BATCH, key)
  first = evaluate(state, BATCH)
  worst = -np.inf
  for i in range(1, 350):
    state, metrics = step(state, BATCH, key)
    if i > 250:
      worst = max(worst, float(metrics['spectral']))
  last = evaluate(state, BATCH)
  assert first['si_snr'] < 0 and last['si_snr'] > 5
  assert last['spectral'] < 0.5 * first['spectral']
  assert worst < 0.8 * first['spectral']
  assert metrics['discriminator'] < 2.0
