"""Tests audiolm_jax/sound/containers.py by way of audio.read."""

import os
import sys

import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from audiolm_jax.sound import containers
from tests.sound.sounds import by_ffmpeg, chirp, encoded, likeness

KINDS = [
    ('a.m4a', 'ipod', 'aac', 44100),
    ('a.mp4', 'mp4', 'aac', 48000),
    ('a.webm', 'webm', 'libopus', 48000),
    ('a.wma', 'asf', 'wmav2', 44100),
    ('a.aac', 'adts', 'aac', 44100),
    ('a.mka', 'matroska', 'flac', 16000),
    ('a.ac3', 'ac3', 'ac3', 48000),
    ('a.3gp', '3gp', 'aac', 16000),
    ('a.wv', 'wv', 'wavpack', 16000),
    ('a.tta', 'tta', 'tta', 16000),
]


@pytest.mark.parametrize('name,format_,codec,rate', KINDS)
def test_what_ffmpeg_knows_is_read_whole_and_in_part(
    tmp_path, name, format_, codec, rate
):
  path = by_ffmpeg(tmp_path / name, format_, codec, rate)
  heard = audio.read(path, 16000)
  assert len(heard) / 16000 == pytest.approx(3.0, abs=0.08)
  assert audio.num_samples(path, 16000) == len(heard)
  # AAC begins with up to 2048 samples that not all containers take off, and
  # of WMA FFmpeg takes off some too many.
  lags = range(0, 2100, 4)
  late = max(likeness(heard[:12000], chirp()[:6000], lag) for lag in lags)
  early = max(likeness(chirp()[:12000], heard[:6000], lag) for lag in lags)
  assert max(late, early) > 0.98
  crop = audio.read(path, 16000, start_seconds=1.0, seconds=0.5)
  assert likeness(crop, heard[16000:24000]) > 0.99


@pytest.mark.parametrize('name,format_,codec,rate', KINDS[:4])
def test_without_pyav_the_command_of_ffmpeg_is_told(
    tmp_path, monkeypatch, name, format_, codec, rate
):
  path = by_ffmpeg(tmp_path / f"it's {name}", format_, codec, rate)
  monkeypatch.setitem(sys.modules, 'av', None)
  with pytest.raises(UserError) as error:
    audio.read(path, 16000)
  message = str(error.value)
  assert 'audiolm_jax[formats]' in message and '\n' not in message
  stem = f"{tmp_path}/it'\"'\"'s a"
  assert f"ffmpeg -i '{stem}{path.suffix}' -vn '{stem}.wav'" in message


@pytest.mark.parametrize(
    'content',
    [
        b'not audio',
        b'#EXTM3U\nhttp://localhost/a.mp3\n',
        b"ffconcat version 1.0\nfile 'a.wav'\n",
        bytes(5000),
        encoded('WAV', 'PCM_16')[:20],
    ],
)
@pytest.mark.parametrize('suffix', ['wav', 'mp4', 'm3u8', 'mp3'])
def test_what_is_no_audio_is_one_line(tmp_path, content, suffix):
  path = tmp_path / f'x.{suffix}'
  path.write_bytes(content)
  with pytest.raises(UserError, match='is not audio') as error:
    audio.read(path, 16000)
  assert '\n' not in str(error.value)


def test_a_damaged_container_is_one_line_or_what_can_be_heard(tmp_path):
  path = by_ffmpeg(tmp_path / 'a.m4a', 'ipod', 'aac', 44100)
  whole = path.read_bytes()
  draws = np.random.default_rng(0)
  for _ in range(40):
    content = bytearray(whole)
    for at in draws.integers(0, len(whole), 5):
      content[at] = draws.integers(256)
    path.write_bytes(content[: draws.integers(1, len(whole) + 1)])
    try:
      assert np.isfinite(audio.read(path, 16000)).all()
    except UserError as error:
      assert 'a.m4a' in str(error) and '\n' not in str(error)


def test_33_channels_are_read(tmp_path):
  path = tmp_path / 'a.wav'
  waveform = np.tile(chirp(0.5)[:, None], 33)
  path.write_bytes(encoded('WAV', 'FLOAT', waveform))
  container = containers.open_container(path, 'a reason')
  assert container.channels == 33
  heard = np.concatenate(list(container.blocks()))
  np.testing.assert_allclose(heard, waveform, atol=1e-6)


def test_a_container_of_any_name_is_read(tmp_path):
  path = by_ffmpeg(tmp_path / 'a.m4a', 'ipod', 'aac', 44100)
  for name in (
      os.fsdecode(b'\xff.m4a'),
      'http:x.m4a',
      'concat:a|b',
      'a%d?.m4a',
  ):
    path = path.rename(tmp_path / name)
    assert audio.duration(path) == pytest.approx(3.0, abs=0.08)
