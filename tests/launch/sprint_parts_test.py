"""Tests what launch/sprint packs, and its pace."""

import itertools
import json

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import tiny

from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.soundstorm.stage import soundstorm
from audiolm_jax.training.state import TrainState
from launch.sprint import batches, codes, crops, folder, loop, pace, sounds
from launch.sprint.folder import Parcel
from launch.sprint.loop import Log, Saver
from launch.sprint.pace import Clock
from launch.sprint.tasks import Task
from tests.tokens import random_store

SIZES = random_store.SIZES


def recordings(*lengths):
  random = np.random.default_rng(0)
  return [
      {
          'semantic': random.integers(6, size=(length, 1)),
          'acoustic': random.integers(9, size=(2 * length, 4)),
      }
      for length in lengths
  ]


@pytest.mark.parametrize(('bits', 'decibels'), [(7, 30), (8, 36)])
def test_sounds_come_back_with_little_noise(bits, decibels):
  # As in speech there is more of the lower frequencies.
  loud = np.cumsum(tiny.noise(3, 0.5), axis=1)
  loud = (loud - loud.mean(axis=1, keepdims=True)) / (2 * np.abs(loud).max())
  crops = np.concatenate([loud, 0.01 * loud, np.zeros_like(loud)])
  found = sounds.rounded(crops, bits)
  data = sounds.compress(found[:4]) + sounds.compress(found[4:])
  read = sounds.decompress(data, crops.shape[1])
  np.testing.assert_array_equal(read, found)
  back = sounds.restored(read, bits)
  noise = np.square(back - crops).mean(axis=1)
  signal = np.square(crops).mean(axis=1)
  assert (signal[:3] / noise[:3] > 10 ** (decibels / 10)).all()
  assert (noise[6:] == 0).all()


def test_tokens_come_back_exactly_in_as_few_bits_as_they_need():
  given = recordings(3, 70, 1, *[5] * 80)
  packed = codes.pack(given, SIZES)
  for before, after in zip(given, codes.unpack(packed), strict=True):
    for source in ('semantic', 'acoustic'):
      np.testing.assert_array_equal(before[source], after[source])
  num_frames = sum(len(r['semantic']) for r in given)
  # 3 bits a semantic id, 4 an acoustic code.
  assert packed.arrays['semantic'].nbytes == -(-3 * num_frames // 8)
  assert packed.arrays['acoustic'].nbytes == 4 * num_frames
  size = sum(array.nbytes for array in packed.arrays.values())
  assert size <= sum(codes.cost(r, SIZES) for r in given)


def test_codebooks_of_a_power_of_two_waste_no_bit():
  assert [codes.num_bits(k) for k in (1, 2, 3, 1024, 1025)] == [
      *(1, 1, 2),
      *(10, 11),
  ]


def test_speakers_take_turns_and_crops_do_not_overlap():
  clips = [
      Clip('a', 40.0, 'train', 'x', '', 'often'),
      Clip('b', 9.0, 'train', 'x', '', 'rarely'),
      Clip('c', 3.0, 'train', 'x', '', 'rarely'),
  ]
  places = list(crops.in_turn(clips, 4.0, seed=0))
  assert {p.clip.speaker for p in places[:2]} == {'often', 'rarely'}
  assert sum(p.clip.path == 'b' for p in places) == 2
  assert sum(p.clip.path == 'c' for p in places) == 1
  starts = sorted(p.seconds for p in places if p.clip.path == 'a')
  assert np.diff(starts).min() >= 4.0
  assert list(crops.in_turn(clips, 4.0, seed=0)) == places


def test_pieces_are_small_and_a_damaged_one_is_noticed(tmp_path):
  data = np.random.default_rng(0).bytes(1000)
  folder.write(tmp_path, Parcel({'task': 'x'}, {'old': b'1'}))
  folder.write(tmp_path, Parcel({'task': 'x'}, {'new': data}), file_bytes=300)
  pieces = sorted(tmp_path.glob('*.bin'))
  assert [path.stat().st_size for path in pieces] == [300, 300, 300, 100]
  assert folder.read(tmp_path) == Parcel({'task': 'x'}, {'new': data})
  pieces[1].write_bytes(bytes(300))
  with pytest.raises(UserError, match='new is damaged'):
    folder.read(tmp_path)
  pieces[1].unlink()
  with pytest.raises(UserError, match='missing'):
    folder.read(tmp_path)


def test_weights_that_float16_cannot_hold_are_refused():
  with pytest.raises(UserError, match='dense/w'):
    folder.weights_to_bytes({'dense': {'w': np.full(2, 1e6)}})


def test_windows_of_sounds_stay_within_what_was_said():
  waveforms = np.stack([np.full(100, 0.5), np.full(100, -0.5)])
  waveforms[1, 40:] = 0
  found = batches.of_sounds(
      sounds.rounded(waveforms, 8), 8, [100, 40], 60, 16, seed=0
  )
  batch = next(found)
  assert batch['waveform'].shape == (16, 60)
  assert set(batch['length']) == {40, 60}
  short = batch['waveform'][batch['length'] == 40]
  assert (short[:, :40] < -0.4).all() and np.abs(short[:, 45:]).max() < 0.2


def test_windows_of_tokens_are_of_all_recordings():
  stage = soundstorm(SIZES)
  given = recordings(60, 90, 70)
  found = batches.of_tokens(given, stage, (1.0, 2.0), 4, seed=0)
  for batch in itertools.islice(found, 5):
    assert batch['acoustic'].shape == (4, 100, 4)
    assert batch['semantic'].shape == (4, 100)
    assert ((batch['lengths'] >= 50) & (batch['lengths'] <= 100)).all()


def test_an_optimizer_follows_the_rate_it_is_given():
  tx = pace.paced(optax.sgd(1.0))
  state = tx.init(jnp.ones(2))
  still, state = tx.update(jnp.ones(2), state)
  np.testing.assert_array_equal(still, 0)
  moved, _ = tx.update(jnp.ones(2), pace.with_rate(state, 0.25))
  np.testing.assert_array_equal(moved, -0.25)


def test_the_rate_rises_and_ends_low():
  rates = [pace.cosine(share) for share in (0, 0.01, 0.02, 0.5, 1)]
  assert rates[0] == 0 and rates[2] == max(rates) > 0.99
  np.testing.assert_allclose(rates[-1], 0.02)


class Fall:
  """A step that goes down by the rate it is given."""

  def step(self, state, batch, key):
    del key
    params = state.params - state.opt_state * batch
    found = {'loss': params, 'weight': batch}
    return state.replace(step=state.step + 1, params=params), found


def fall(start):
  state = TrainState(jnp.int32(0), jnp.float32(start), jnp.float32(0), {})
  return Task(
      Fall(),
      state,
      itertools.repeat(jnp.float32(1)),
      lambda _, index, share: jnp.float32(1 - share),
      lambda state: {'w': state.params[None]},
      lambda batch: 2.0,
  )


def test_the_time_ends_a_run_at_the_end_of_its_rates(tmp_path):
  log = Log(tmp_path / 'log.jsonl', 0.5)
  task = fall(0)
  saver = Saver(tmp_path, {'task': 'x', 'lengths': []}, task.weights, 0.2)
  steps = loop.train(task, Clock(2), saver, log)
  lines = [json.loads(line) for line in open(tmp_path / 'log.jsonl')]
  assert 2 <= lines[-1]['elapsed'] < 4 and len(lines) > 1
  assert lines[-1]['audio_seconds_per_second'] > 0
  assert 'weight' not in lines[-1]
  parcel = folder.read(tmp_path)
  assert parcel.contents == {'task': 'x', 'step': steps}
  # The mean rate is a half.
  fallen = -folder.weights_from_bytes(parcel.streams['weights'])['w'][0]
  assert 0.3 * steps < fallen < 0.7 * steps + 2


def test_weights_that_are_lost_do_not_replace_others(tmp_path):
  task = fall(1)
  saver = Saver(tmp_path, {}, task.weights, 60)
  saver.save(task.state)
  with pytest.raises(FloatingPointError, match='--learning_rate'):
    saver.save(task.state.replace(params=jnp.float32(np.nan)))
  stream = folder.read(tmp_path).streams['weights']
  np.testing.assert_array_equal(folder.weights_from_bytes(stream)['w'], 1)
