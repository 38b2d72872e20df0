"""Tests audiolm_jax/audio.py."""

import os
import resource
import signal

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax import audio
from audiolm_jax.errors import UserError


def tone(sample_rate: int, seconds: float = 1.0, hz: float = 440.0):
  return 0.5 * np.sin(
      2 * np.pi * hz * np.arange(round(seconds * sample_rate)) / sample_rate
  )


@pytest.mark.parametrize('rate', [8000, 11025, 16000, 44100, 48000, 96000])
@pytest.mark.parametrize('channels', [1, 2, 6])
def test_any_rate_and_channel_count_becomes_the_same_mono(
    tmp_path, rate, channels
):
  path = tmp_path / 'tone.wav'
  soundfile.write(path, np.tile(tone(rate)[:, None], (1, channels)), rate)
  waveform = audio.read(path, 16000)
  assert waveform.dtype == np.float32
  np.testing.assert_allclose(
      waveform[800:-800], tone(16000)[800:-800], atol=2e-3
  )


@pytest.mark.parametrize('extension', ['wav', 'flac', 'ogg', 'mp3', 'aiff'])
def test_a_crop_is_the_same_part_of_the_file(tmp_path, extension):
  path = tmp_path / f'tone.{extension}'
  chirp = tone(16000, 3) * np.linspace(0, 1, 48000)
  soundfile.write(path, chirp, 16000)
  whole = audio.read(path, 16000)
  crop = audio.read(path, 16000, start_seconds=1.0, seconds=0.5)
  np.testing.assert_allclose(crop, whole[16000:24000], atol=1e-3)


@given(
    length=st.integers(1, 5000),
    rate=st.sampled_from([8000, 22050, 48000, 96000]),
)
@settings(max_examples=30, deadline=None)
def test_resampling_keeps_the_duration(tmp_path_factory, length, rate):
  path = tmp_path_factory.mktemp('audio') / 'short.wav'
  soundfile.write(path, np.zeros(length), rate)
  waveform = audio.read(path, 16000)
  assert len(waveform) == max(round(length * 16000 / rate), 1)
  assert audio.duration(path) == length / rate


def test_what_is_written_is_read_back(tmp_path):
  waveform = tone(16000).astype(np.float32)
  audio.write(tmp_path / 'a.wav', waveform, 16000)
  np.testing.assert_allclose(
      audio.read(tmp_path / 'a.wav', 16000), waveform, atol=1 / 32768
  )
  assert [path.name for path in tmp_path.iterdir()] == ['a.wav']


def test_loud_samples_are_clipped_and_do_not_wrap(tmp_path):
  audio.write(tmp_path / 'a.wav', np.array([1.5, -1.5]), 16000)
  waveform = audio.read(tmp_path / 'a.wav', 16000)
  np.testing.assert_allclose(waveform, [1, -1], atol=1e-4)


def truncated_flac(path):
  soundfile.write(path, np.random.default_rng(0).normal(size=48000), 16000)
  path.write_bytes(path.read_bytes()[:20000])


def not_finite(path):
  soundfile.write(path, np.array([0.0, np.nan]), 16000, subtype='FLOAT')


BAD_FILES = {
    'missing.wav': lambda path: None,
    'folder.wav': lambda path: path.mkdir(),
    'empty.wav': lambda path: soundfile.write(path, np.zeros(0), 16000),
    'zero_bytes.wav': lambda path: path.touch(),
    'text.wav': lambda path: path.write_text('not audio'),
    'text.raw': lambda path: path.write_text('not audio'),
    'truncated.flac': truncated_flac,
    'not_finite.wav': not_finite,
}


@pytest.mark.parametrize('name', BAD_FILES)
def test_bad_files_are_named_in_one_line(tmp_path, name):
  BAD_FILES[name](tmp_path / name)
  with pytest.raises(UserError, match=name) as error:
    audio.read(tmp_path / name, 16000)
  assert '\n' not in str(error.value)


def test_a_crop_behind_the_end_is_refused(tmp_path):
  audio.write(tmp_path / 'a.wav', tone(16000), 16000)
  with pytest.raises(UserError, match='lasts 1 s'):
    audio.read(tmp_path / 'a.wav', 16000, start_seconds=2.0)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
  (tmp_path / 'file').touch()
  with pytest.raises(UserError, match='file/a.wav'):
    audio.write(tmp_path / 'file' / 'a.wav', tone(16000), 16000)


@given(length=st.integers(0, 100), multiple=st.integers(1, 40))
def test_padding_reaches_the_next_positive_multiple(length, multiple):
  padded = audio.pad_to_multiple(np.ones(length), multiple)
  assert len(padded) % multiple == 0
  assert max(length, 1) <= len(padded) < max(length, 1) + multiple
  assert padded.sum() == length


def test_a_full_disk_is_one_line_and_leaves_the_old_file_alone(tmp_path):
  path = tmp_path / 'a.wav'
  path.write_text('old')
  _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
  ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
  resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
  try:
    with pytest.raises(UserError, match='Cannot write .*a.wav: File too large'):
      audio.write(path, np.zeros(16000, np.float32), 16000)
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    signal.signal(signal.SIGXFSZ, ignored)
  assert [p.name for p in tmp_path.iterdir()] == ['a.wav']
  assert path.read_text() == 'old'


@pytest.mark.parametrize('rate', [8000, 16000, 44100])
@pytest.mark.parametrize('crop', [{}, {'start_seconds': 0.3, 'seconds': 0.5}])
def test_it_is_known_how_many_samples_are_read(tmp_path, rate, crop):
  path = tmp_path / 'a.ogg'
  soundfile.write(path, np.zeros(54321), rate)
  length = audio.num_samples(path, 16000, **crop)
  assert length == len(audio.read(path, 16000, **crop))


@pytest.mark.parametrize(
    'name',
    ['a\u2028b.wav', 'a\nb.wav', os.fsdecode(b'\xff\xfe.wav'), '[x]*?.wav']
    + ['n' * 246 + '.wav', 'é' * 123 + '.wav'],
)
def test_any_name_is_written_and_read(tmp_path, name):
  path = tmp_path / name
  audio.write(path, tone(16000).astype(np.float32), 16000)
  assert audio.duration(path) == 1.0
  with audio.writing(path, 16000) as append:
    append(np.zeros(8000, np.float32))
  assert audio.duration(path) == 0.5
  assert [p.name for p in tmp_path.iterdir()] == [name]
  path.write_bytes(b'not audio')
  with pytest.raises(UserError) as error:
    audio.read(path, 16000)
  assert len(str(error.value).splitlines()) == 1


def test_a_sound_knows_its_rate():
  time = np.arange(16000) / 16000
  tone = np.float32(0.5 * np.sin(2 * np.pi * 440 * time))
  sound = audio.Sound(tone, 16000)
  assert sound.at(16000) is tone
  faster = sound.at(24000)
  assert len(faster) == 24000
  spectrum = np.abs(np.fft.rfft(faster))
  assert spectrum.argmax() == 440
  assert len(audio.Sound(tone[:0], 16000).at(8000)) == 0
