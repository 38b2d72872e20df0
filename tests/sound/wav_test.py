"""Tests audiolm_jax/sound/wav.py by way of audio.read."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from tests.sound.sounds import chirp

FORM = struct.pack('<HHIIHH', 1, 1, 16000, 32000, 2, 16)


def pcm(seconds: float) -> bytes:
  return np.round(chirp(seconds) * 32767).astype('<i2').tobytes()


def chunk(name: bytes, body: bytes, size=None, pad=True) -> bytes:
  size = len(body) if size is None else size
  return name + struct.pack('<I', size) + body + b'\0' * (len(body) % 2 * pad)


def riff(body: bytes, size: int | None = None, name=b'RIFF') -> bytes:
  size = len(body) + 4 if size is None else size
  return name + struct.pack('<I', size) + b'WAVE' + body


def assert_is_chirp(path, seconds=1.0):
  np.testing.assert_allclose(audio.read(path, 16000), chirp(seconds), atol=1e-4)
  assert audio.duration(path) == seconds


@given(
    size=st.sampled_from([0, 8, 36, 4088, 0x7FFFFFFF, 0xFFFFFFFF]),
    sound_size=st.sampled_from([0, 0x7FFFFFFF - 44, 0x80000000, 0xFFFFFFFF]),
    before=st.lists(
        st.sampled_from([b'JUNK', b'LIST', b'FLLR', b'bext', b'id3 ']),
        max_size=3,
    ),
    length=st.integers(0, 4100),
    name=st.sampled_from([b'RIFF', b'RF64', b'BW64']),
    seconds=st.sampled_from([0.001, 1.0, 5.0]),
)
@settings(max_examples=40, deadline=None)
def test_the_wav_of_a_killed_recorder_is_read_to_its_end(
    tmp_path_factory, size, sound_size, before, length, name, seconds
):
  chunks = b''.join(chunk(each, bytes(length)) for each in before)
  if name != b'RIFF':
    chunks = chunk(b'ds64', bytes(28)) + chunks
  body = (
      chunks + chunk(b'fmt ', FORM) + chunk(b'data', pcm(seconds), sound_size)
  )
  path = tmp_path_factory.mktemp('wav') / 'killed.wav'
  path.write_bytes(riff(body, size, name))
  assert_is_chirp(path, seconds)


@pytest.mark.parametrize('told', [2, 3200, 16000])
def test_sound_behind_an_old_size_is_read_too(tmp_path, caplog, told):
  body = chunk(b'fmt ', FORM) + chunk(b'data', pcm(3.0), told)
  path = tmp_path / f'old{told}.wav'
  path.write_bytes(riff(body, told + 36))
  assert_is_chirp(path, 3.0)
  assert 'header is unfinished' in caplog.text


@pytest.mark.parametrize(
    'tail',
    [
        b'TAG' + b'x' * 125,
        b'ID3\x03' + bytes(40000),
        chunk(b'LIST', b'INFO' + bytes(40000)),
        bytes(128),
        b'\xff\xd8\xff\xe0' * 100,
    ],
)
def test_tags_behind_the_sound_are_no_sound(tmp_path, tail):
  path = tmp_path / 'a.wav'
  path.write_bytes(riff(chunk(b'fmt ', FORM) + chunk(b'data', pcm(1.0))) + tail)
  assert_is_chirp(path)


@pytest.mark.parametrize('lead', [b'', b'ID3\x03\0\0\0\0\0\x0a' + bytes(10)])
def test_chunks_may_stand_anywhere_and_lack_their_pad(tmp_path, lead):
  sound, form = chunk(b'data', pcm(1.0)), chunk(b'fmt ', FORM)
  for number, body in enumerate(
      (
          sound + form,
          chunk(b'note', b'abc', pad=False) + form + sound,
          form + chunk(b'note', b'abc', pad=False) + sound,
          chunk(b'note', b'abc') + form + chunk(b'junk', b'') + sound,
      )
  ):
    path = tmp_path / f'{number}.wav'
    path.write_bytes(lead + riff(body))
    assert_is_chirp(path)


@pytest.mark.parametrize(
    'behind', [b'', chunk(b'LIST', b'INFO' + bytes(40000))]
)
def test_a_wav_without_sound_is_refused(tmp_path, behind):
  path = tmp_path / 'a.wav'
  path.write_bytes(riff(chunk(b'fmt ', FORM) + chunk(b'data', b'') + behind))
  with pytest.raises(UserError, match='a.wav holds no audio samples'):
    audio.read(path, 16000)
