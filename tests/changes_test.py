"""Tests of what is done to one crop."""

import dataclasses

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

from audiolm_jax import changes
from audiolm_jax.changes import Changes

RATE = 16000
NONE = Changes(
    gain_share=0.0,
    quiet_share=0.0,
    pitch_share=0.0,
    colour_share=0.0,
    noise_share=0.0,
    echo_share=0.0,
)
SHARES = [
    field.name
    for field in dataclasses.fields(Changes)
    if field.name.endswith('_share')
]
ALL = Changes(**dict.fromkeys(SHARES, 1.0))


def only(**fields):
  return dataclasses.replace(NONE, **fields)


def change(crop, settings, seed=0):
  return changes.change(crop, RATE, settings, np.random.default_rng(seed))


def tone(hertz, length=RATE, level=0.2):
  time = np.arange(length) / RATE
  return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def decibels(made, crop):
  return 10 * np.log10(np.square(made).sum() / np.square(crop).sum())


def loudest(crop):
  return np.abs(np.fft.rfft(crop)).argmax() * RATE / len(crop)


@hypothesis.settings(deadline=None, max_examples=50)
@hypothesis.given(
    hnp.arrays(
        np.float32,
        st.integers(1, 3000),
        elements=st.floats(-1, 1, width=32),
    ),
    st.lists(st.sampled_from(SHARES)),
    st.integers(0, 2**32),
)
def test_any_crop_stays_finite_and_within_full_scale(crop, names, seed):
  settings = dataclasses.replace(NONE, **dict.fromkeys(names, 1.0))
  made = change(crop, settings, seed)
  assert made.dtype == np.float32 and np.isfinite(made).all()
  assert np.abs(made).max() <= 1.0
  if 'pitch_share' in names:
    assert len(crop) / 1.19 - 1 <= len(made) <= len(crop) / 0.84 + 1
  else:
    assert len(made) == len(crop)


@hypothesis.given(st.integers(0, 2**32), st.integers(0, 3000))
def test_silence_stays_silence(seed, length):
  assert not change(np.zeros(length, np.float32), ALL, seed).any()


@hypothesis.given(st.integers(0, 2**32))
def test_without_a_share_nothing_changes(seed):
  crop = tone(300, 100, level=1.0)
  np.testing.assert_array_equal(change(crop, NONE, seed), crop)


def test_equal_draws_give_equal_crops_and_others_others():
  crop = tone(300)
  one, same, other = (change(crop, ALL, seed) for seed in (1, 1, 2))
  np.testing.assert_array_equal(one, same)
  assert one.shape != other.shape or not np.allclose(one, other)


@pytest.mark.parametrize('share', SHARES)
def test_each_change_changes(share):
  crop = tone(300)
  made = change(crop, only(**{share: 1.0}))
  assert made.shape != crop.shape or not np.allclose(made, crop, atol=1e-4)


@pytest.mark.parametrize('pitch', [0.85, 1.18])
def test_a_voice_is_higher_by_the_factor_and_faster(pitch):
  made = changes.faster(tone(400), pitch)
  assert loudest(made) == pytest.approx(400 * pitch, abs=2)
  assert len(made) == round(RATE / pitch)


@pytest.mark.parametrize('seed', range(20))
def test_levels_are_within_their_ranges(seed):
  crop = tone(300)
  near = change(crop, only(gain_share=1.0), seed)
  far = change(crop, only(gain_share=1.0, quiet_share=1.0), seed)
  assert -6.01 <= decibels(near, crop) <= 4.01
  assert -30.01 <= decibels(far, crop) <= -5.99


@pytest.mark.parametrize('seed', range(10))
def test_noise_is_as_far_below_as_asked(seed):
  crop = tone(300)
  settings = only(noise_share=1.0, snr_db=(25.0, 25.0))
  added = change(crop, settings, seed) - crop
  assert decibels(crop, added) == pytest.approx(25.0, abs=0.1)


def test_noise_is_of_several_colours():
  def balance(seed):
    made = np.abs(
        np.fft.rfft(changes.noise(tone(300), 20.0, np.random.default_rng(seed)))
    )
    return np.square(made[:2000]).sum() / np.square(made[4000:]).sum()

  found = [balance(seed) for seed in range(20)]
  assert max(found) > 4 * min(found)


@pytest.mark.parametrize('seed', range(10))
def test_no_frequency_is_raised_or_lowered_too_far(seed):
  crop = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) / 9
  draws = np.random.default_rng(seed)
  gains = changes.colour(len(crop), RATE, ALL, draws)
  assert np.abs(20 * np.log10(gains)).max() <= 6.01
  assert np.abs(np.diff(20 * np.log10(gains))).max() < 1.0


def test_neither_colour_nor_echo_moves_a_click():
  click = np.zeros(4000, np.float32)
  click[1500] = 0.5
  for settings in (only(colour_share=1.0), only(echo_share=1.0)):
    assert np.abs(change(click, settings)).argmax() == 1500


@pytest.mark.parametrize('seed', range(10))
def test_an_echo_follows_the_sound_and_fades(seed):
  click = np.zeros(RATE, np.float32)
  click[4000] = 0.5
  made = change(click, only(echo_share=1.0), seed)
  assert np.abs(made[:4000]).max() < 1e-5
  tail = made[4001:]
  assert -25.1 <= decibels(tail, click) <= -7.9
  # The echo itself ends after at most half a second.
  assert np.abs(tail[8001:]).max() < 1e-5
  assert np.square(tail[:400]).sum() > np.square(tail[1600:2000]).sum()
