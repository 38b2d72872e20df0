"""Tests audiolm_jax/sound/downmix.py and checks.py by way of audio.read."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from tests.sound.sounds import chirp


def stereo(*gains: float) -> np.ndarray:
  return np.stack([gain * chirp() for gain in gains], axis=1)


def decibels(heard: np.ndarray) -> float:
  return 10 * np.log10(np.mean(heard**2) / np.mean(chirp() ** 2))


@pytest.mark.parametrize(
    'gains',
    [
        (1, -1),
        (1, -0.9),
        (-0.5, 1),
        (1, -0.99, 0, 0),
        (0, 0, 1, 0, 0, 0),
        (0, 0, 1, 0, 0, 0, 0, 0),
        (0.05, -0.05, 1, 0, 0.02, 0),
    ],
)
@pytest.mark.parametrize('rate', [16000, 8000])
def test_a_voice_is_not_lost_in_the_mix(tmp_path, caplog, gains, rate):
  path = tmp_path / f'{len(gains)}{gains[0]}{rate}.wav'
  soundfile.write(path, stereo(*gains), 16000, subtype='FLOAT')
  heard = audio.read(path, rate)
  assert abs(decibels(heard)) < 0.5
  assert 'stands for all' in caplog.text
  again = audio.convert(stereo(*gains), 16000, rate)
  np.testing.assert_allclose(heard, again, atol=1e-6)


@pytest.mark.parametrize('gains', [(1, 1), (1, 0), (0.5, 1), (1,) * 6])
def test_what_mixes_well_is_the_mean_of_the_channels(tmp_path, caplog, gains):
  path = tmp_path / 'a.wav'
  soundfile.write(path, stereo(*gains), 16000, subtype='FLOAT')
  np.testing.assert_allclose(
      audio.read(path, 16000), stereo(*gains).mean(axis=1), atol=1e-6
  )
  assert not caplog.text


def test_of_opposite_channels_the_first_is_taken(tmp_path):
  path = tmp_path / 'a.wav'
  soundfile.write(path, stereo(1, -1), 16000, subtype='PCM_16')
  np.testing.assert_allclose(audio.read(path, 16000), chirp(), atol=1e-4)


@given(
    gains=st.lists(st.floats(-1, 1), min_size=1, max_size=8).filter(
        lambda gains: max(map(abs, gains)) > 0.1
    )
)
@settings(max_examples=50, deadline=None)
def test_no_channels_mix_to_much_less_than_the_loudest(gains):
  waveform = stereo(*gains)
  mixed = audio.convert(waveform, 16000, 16000)
  loudest = np.mean(waveform**2, axis=0).max()
  assert np.mean(mixed**2) > 0.099 * loudest


@pytest.mark.parametrize(
    'scale,divisor', [(2**15, 32768), (2**23, 8388608), (2**31, 2147483648)]
)
@pytest.mark.parametrize('subtype', ['FLOAT', 'DOUBLE'])
def test_floats_in_the_range_of_integers_are_refused(
    tmp_path, scale, divisor, subtype
):
  path = tmp_path / 'a.wav'
  soundfile.write(path, chirp() / 0.3 * scale, 16000, subtype=subtype)
  with pytest.raises(UserError, match=f'divide them by {divisor}') as error:
    audio.read(path, 16000)
  assert '\n' not in str(error.value)


@pytest.mark.parametrize('peak', [0.1, 1.0, 2.4, 10.0, 40.0])
def test_hot_floats_are_read_as_they_are(tmp_path, peak):
  path = tmp_path / 'a.wav'
  soundfile.write(path, chirp() / 0.3 * peak, 16000, subtype='FLOAT')
  heard = audio.read(path, 16000)
  np.testing.assert_allclose(heard, chirp() / 0.3 * peak, rtol=1e-5, atol=1e-5)


def test_different_channels_are_mixed():
  noise = np.random.default_rng(0).normal(size=(16000, 6)).astype(np.float32)
  mixed = audio.convert(noise, 16000, 16000)
  np.testing.assert_allclose(mixed, noise.mean(axis=1), atol=1e-6)
