"""Tests semantic ids of clips that are played at another speed."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolm_jax.tokens.tokenizers import other_voices
from tests.tokens import fake

RATE = fake.SAMPLE_RATE


class Pitch:
  """A tokenizer whose id is the loudest frequency of a frame, in 25 Hz."""

  sample_rate, hop_length = RATE, 320
  codebook_size, fingerprint = 161, 'pitch0000000'

  def encode(self, waveform, lengths):
    frames = waveform.reshape(len(waveform), -1, self.hop_length)
    return np.abs(np.fft.rfft(frames)).argmax(axis=-1).astype(np.int32)


def tones(*hertz, seconds=0.4):
  times = np.arange(round(seconds * RATE)) / RATE
  return np.concatenate(
      [np.sin(2 * np.pi * f * times) for f in hertz], dtype=np.float32
  )


def pair(*speeds):
  return dataclasses.replace(
      fake.tokenizers(), semantic=Pitch(), semantic_speeds=speeds
  )


def test_ids_of_two_other_pitches_take_turns_and_the_clips_own_are_not_there():
  clip = tones(500, 1000, seconds=6.0)
  (plain,), (other,) = pair().encode([clip]), pair(0.8, 1.25).encode([clip])
  assert len(other.semantic) == len(plain.semantic) == 300
  np.testing.assert_array_equal(other.acoustic, plain.acoustic)
  inside = np.r_[1:148, 153:299]  # Where one tone ends a frame has both.
  ratios = (other.semantic / plain.semantic)[inside]
  low = np.abs(ratios - 0.8) < 0.03
  assert (low | (np.abs(ratios - 1.25) < 0.03)).all()
  turns = np.diff(inside[1:][np.diff(low)])
  assert 20 <= turns.min() and turns.max() <= 80


@pytest.mark.parametrize('speed', [0.8, 1.25])
def test_of_a_single_speed_all_ids_are_at_that_speed(speed):
  clip = tones(500, seconds=3.0)
  (plain,), (other,) = pair().encode([clip]), pair(speed).encode([clip])
  np.testing.assert_allclose(
      other.semantic[1:-1], speed * plain.semantic[1:-1], atol=0.6
  )


@given(st.integers(0, 999), st.integers(2, 5))
def test_two_speeds_differ_and_each_is_drawn(seed, count):
  speeds = [0.8, 0.9, 1.0, 1.1, 1.25][:count]
  random = np.random.default_rng(seed)
  pairs = [other_voices.choose(speeds, random) for _ in range(40)]
  assert all(first != second for first, second in pairs)
  assert {speed for drawn in pairs for speed in drawn} == set(speeds)


def test_a_speed_of_one_changes_nothing():
  clips = [tones(300, 700), tones(1000)]
  for plain, same in zip(
      pair().encode(clips), pair(1.0).encode(clips), strict=True
  ):
    np.testing.assert_array_equal(plain.semantic, same.semantic)


def test_a_clip_is_heard_the_same_whatever_else_is_in_the_batch():
  clips = [tones(hertz) for hertz in range(200, 1200, 50)]
  speeds = 0.8, 1.0, 1.25
  drawn = [
      other_voices.choose(speeds, other_voices.draws(clip)) for clip in clips
  ]
  assert {speed for pair in drawn for speed in pair} == set(speeds)
  together = pair(*speeds).encode(clips)
  for clip, tokens in zip(clips, together, strict=True):
    (alone,) = pair(*speeds).encode([clip])
    np.testing.assert_array_equal(alone.semantic, tokens.semantic)


@given(st.integers(1, 2000), st.floats(0.3, 100), st.integers(0, 99))
def test_each_id_is_of_one_voice_or_the_other(num_frames, rate, seed):
  own, others = np.zeros(num_frames, int), np.arange(1, num_frames + 1)
  random = np.random.default_rng(seed)
  mixed = other_voices.in_turns(own, others, rate, random)
  assert ((mixed == own) | (mixed == others)).all()
  if num_frames > 6.0 * rate + 2:  # Longer than two turns.
    assert 0 < (mixed > 0).mean() < 1


@given(st.integers(1, 400), st.floats(0.5, 2.0))
def test_no_frame_is_laid_back_by_more_than_one(num_frames, speed):
  heard = np.arange(max(round(num_frames / speed), 1))
  back = other_voices.laid_back(heard, speed, num_frames)
  assert len(back) == num_frames and (np.diff(back) >= 0).all()
  distance = back - np.arange(num_frames) / speed
  assert np.abs(distance).max() <= 1 + 1 / speed
