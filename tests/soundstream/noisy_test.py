"""Tests of training on sound with noise in it."""

import collections
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import soundfile

from audiolm_jax.corpus import AudioBatches, Clip
from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.soundstream.noisy import NoisyBatches
from audiolm_jax.soundstream.train_step import SoundStreamTrainStep
from audiolm_jax.training import optimizers
from audiolm_jax.training.state import unbox

ROWS, SAMPLES = 8, 640
MODEL = SoundStream(
    8,
    8,
    strides=(4, 8),
    embedding_dim=8,
    num_quantizers=3,
    codebook_size=8,
    denoising=True,
)


class Waves:
  """Stands in for AudioBatches: tunes, or the whistle that disturbs them."""

  def __init__(self, scale, shard_index=0, num_shards=1, noise=False):
    self.rows = ROWS // num_shards
    self.scale, self.noise, self.step = scale, noise, 0
    self.shard = shard_index

  def __next__(self):
    draws = np.random.default_rng((self.step, self.shard, self.noise))
    self.step += 1
    low, high = (1000, 1200) if self.noise else (200, 500)
    pitch, start = draws.uniform((low, 0), (high, 16000), (self.rows, 2)).T
    time = start[:, None] + np.arange(SAMPLES)
    waveform = self.scale * np.sin(2 * np.pi * pitch[:, None] * time / 16000)
    length = np.full(self.rows, SAMPLES, np.int32)
    waveform = waveform.astype(np.float32)
    return {'waveform': waveform, 'length': length}

  def get_state(self):
    return {'step': self.step}

  def set_state(self, state):
    self.step = state['step']


def batches(seed=0, **settings):
  return NoisyBatches(
      functools.partial(Waves, 0.3),
      functools.partial(Waves, 7.0, noise=True),
      seed,
      **settings,
  )


def rows(count, **settings):
  taken = list(itertools.islice(iter(batches(**settings)), count))
  clean = Waves(0.3)
  pairs = [(next(clean)['waveform'], batch) for batch in taken]
  for sound, batch in pairs:
    yield from zip(
        sound,
        batch['waveform'],
        batch['target'],
        batch['denoise'],
        strict=True,
    )


def test_there_are_the_papers_kinds_of_rows_in_their_shares():
  kinds = {'clean': 0, 'noisy': 0, 'denoise': 0}
  for clean, heard, target, denoise in rows(50, noisy_share=0.6):
    if (heard == clean).all():
      kinds['clean'] += 1
      np.testing.assert_array_equal(target, clean)
    elif denoise:
      kinds['denoise'] += 1
      np.testing.assert_array_equal(target, clean)
    else:
      kinds['noisy'] += 1
      np.testing.assert_array_equal(target, heard)
  shares = np.array(list(kinds.values())) / (50 * ROWS)
  np.testing.assert_allclose(shares, [0.4, 0.3, 0.3], atol=0.08)


def test_noise_is_as_loud_as_asked():
  found = [
      10 * np.log10((clean**2).sum() / ((heard - clean) ** 2).sum())
      for clean, heard, _, _ in rows(10, noisy_share=1.0, snr_db=(5.0, 15.0))
  ]
  assert min(found) == pytest.approx(5.0, abs=1.0)
  assert max(found) == pytest.approx(15.0, abs=1.0)


def test_it_goes_on_where_it_stopped():
  data = batches()
  next(data)
  state = data.get_state()
  second = next(data)
  again = batches()
  again.set_state(state)
  jax.tree.map(np.testing.assert_array_equal, next(again), second)


def test_hosts_draw_apart():
  one, two = (
      next(batches(shard_index=i, num_shards=2))['waveform'] for i in range(2)
  )
  assert one.shape == (ROWS // 2, SAMPLES) and not (one == two).any()


def test_a_fresh_flag_changes_nothing():
  waveform = jnp.asarray(next(Waves(0.3))['waveform'])
  params = unbox(MODEL.init(jax.random.key(0), waveform))
  encode = functools.partial(MODEL.apply, params, waveform, method='encode')
  on = jnp.ones((ROWS, 1), bool)
  np.testing.assert_array_equal(encode(), encode(on))


def test_the_flag_may_change_with_time():
  waveform = jnp.asarray(next(Waves(0.3))['waveform'])
  params = unbox(MODEL.init(jax.random.key(0), waveform))
  params['params']['film']['beta'] += jnp.array([[0.0], [1.0]])
  frames = jnp.arange(SAMPLES // MODEL.hop_length)[None] % 2 == 1
  flags = jnp.broadcast_to(frames, (ROWS, frames.shape[1]))
  plain, flagged = (
      MODEL.apply(params, waveform, flag, method='encode')
      for flag in (None, flags)
  )
  difference = (flagged - plain).mean(axis=(0, 2))
  np.testing.assert_allclose(difference, frames[0], atol=1e-4)


@pytest.mark.slow
def test_a_codec_learns_to_leave_noise_out_when_asked():
  train_step = SoundStreamTrainStep(
      MODEL,
      optimizers.adam(5e-3, b1=0.5, b2=0.9),
      weights={'waveform': 1.0},
      quantize_from=10**6,
  )
  data = batches(snr_db=(0.0, 6.0), noisy_share=1.0)
  state = jax.jit(train_step.init)(jax.random.key(0), next(data))
  step = jax.jit(train_step.step, donate_argnums=0)
  for _ in range(500):
    state, _ = step(state, next(data), jax.random.key(1))
  held_out = next(batches(seed=9, snr_db=(3.0, 3.0), noisy_share=1.0))
  clean = jnp.asarray(next(Waves(0.3))['waveform'])

  def error(flag):
    variables = {'params': state.params['generator']}
    flags = jnp.full((ROWS, 1), flag)
    heard = jnp.asarray(held_out['waveform'])
    z = MODEL.apply(variables, heard, flags, method='encode')
    made = MODEL.apply(variables, z, method='decode')
    return float(jnp.abs(made - clean).mean())

  assert error(True) < 0.5 * error(False)


def test_what_a_row_gets_does_not_depend_on_the_crop_it_is(tmp_path):
  """With the real batches: both draw from the seed and the step."""
  names = {'clean': 20, 'noise': 10}
  for name, count in names.items():
    clips = []
    for i in range(count):
      path = tmp_path / f'{name}{i}.wav'
      soundfile.write(path, np.full(4000, (i + 1) / 32), 16000)
      clips.append(Clip(str(path), 0.25, 'train', 'x', 'x'))
    names[name] = functools.partial(
        AudioBatches, clips, 16000, 0.04, ROWS, seed=len(clips)
    )
  data = NoisyBatches(**names, seed=20, snr_db=(0.0, 0.0))
  whole, plain = data, names['clean']()
  seen = collections.defaultdict(set)
  for _ in range(300):
    batch, clean = next(whole), next(plain)['waveform']
    noisy = (batch['waveform'] != clean).any(axis=1)
    for row in zip(clean[:, 0], noisy, batch['denoise'], strict=True):
      seen[round(float(row[0]) * 32)].add(tuple(map(bool, row[1:])))
  assert all(len(kinds) == 4 for kinds in seen.values())
