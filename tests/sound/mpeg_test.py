"""Tests audiolm_jax/sound/mpeg.py by way of audio.read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax import audio
from audiolm_jax.sound import mpeg, mpeg_header
from tests.sound.sounds import by_ffmpeg, chirp, encoded, likeness

ID3 = b'ID3\x03\0\0\0\0\x07\x7f' + b'\xff\xfb\x90\0' * 255 + b'\xff\xfb\0'
LATE = 1105  # What an encoder and a decoder put in front, without a tag of it.


def mp3(waveform=None, rate=16000, mode='VARIABLE') -> bytes:
  return encoded('MP3', 'MPEG_LAYER_III', waveform, rate, bitrate_mode=mode)


def without_tag(content: bytes) -> bytes:
  frame = mpeg_header.parse(content[:4])
  assert mpeg_header.is_tag(content[: frame.length], frame.kind)
  return content[frame.length :]


@pytest.mark.parametrize('rate', [8000, 16000, 24000, 44100, 48000])
@pytest.mark.parametrize('channels', [1, 2])
@pytest.mark.parametrize('mode', ['VARIABLE', 'CONSTANT', 'AVERAGE'])
def test_mp3s_without_a_tag_are_decoded_to_their_end(
    tmp_path, rate, channels, mode
):
  quiet = np.concatenate([chirp(4.0, rate), np.zeros(4 * rate), chirp(4, rate)])
  waveform = np.stack([quiet] * channels, axis=1)
  path = tmp_path / 'a.mp3'
  path.write_bytes(without_tag(mp3(waveform, rate, mode)))
  heard = audio.read(path, rate)
  assert 12 <= len(heard) / rate < 12.0 + 3000 / rate
  lags = range(0, 2400)
  shift = max(lags, key=lambda lag: likeness(heard[:9600], quiet[:4800], lag))
  assert likeness(heard, quiet, shift) > 0.95
  assert audio.duration(path) == len(heard) / rate
  crop = audio.read(path, rate, start_seconds=9.0, seconds=1.0)
  np.testing.assert_allclose(crop, heard[9 * rate : 10 * rate], atol=1e-3)


def test_what_a_tag_tells_rightly_is_taken_off(tmp_path):
  path = tmp_path / 'a.mp3'
  path.write_bytes(mp3())
  assert mpeg.streams(path)[0].is_sound
  assert likeness(audio.read(path, 16000), chirp()) > 0.99


@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from([16000, 44100]),
            st.sampled_from([1, 2]),
            st.booleans(),
            st.sampled_from([b'', ID3, b'TAG' + b'x' * 125, b'\0' * 3000]),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=25, deadline=None)
def test_joined_mp3s_are_as_long_as_their_parts(tmp_path_factory, parts):
  content, seconds = b'', 0.0
  for rate, channels, tagged, behind in parts:
    part = mp3(np.stack([chirp(1.0, rate)] * channels, axis=1), rate)
    content += (part if tagged else without_tag(part)) + behind
    seconds += 1.0
  path = tmp_path_factory.mktemp('mp3') / 'joined.mp3'
  path.write_bytes(content)
  # Up to three frames of 72 ms a part where no tag tells what to take off.
  assert seconds <= audio.duration(path) + 1e-6 < seconds * 1.22
  assert audio.num_samples(path, 16000) == len(audio.read(path, 16000))


def test_the_second_of_joined_mp3s_sounds_and_can_be_cropped(tmp_path):
  path = tmp_path / 'joined.mp3'
  path.write_bytes(mp3(chirp(1.0)) + mp3(chirp(3.0, 44100), 44100))
  heard = audio.read(path, 16000)
  assert likeness(heard[:16000], chirp(1.0)) > 0.99
  assert likeness(heard[16000:], chirp(3.0)) > 0.99
  crop = audio.read(path, 16000, start_seconds=2.0, seconds=0.5)
  np.testing.assert_allclose(crop[200:-200], heard[32200:39800], atol=5e-3)


@pytest.mark.parametrize('share', [0.3, 0.6, 0.9])
def test_a_cut_mp3_is_read_up_to_there_and_says_so(tmp_path, caplog, share):
  content = mp3(mode='CONSTANT')
  path = tmp_path / f'cut{share}.mp3'
  path.write_bytes(content[: round(share * len(content))])
  heard = audio.read(path, 16000)
  assert len(heard) / 48000 == pytest.approx(share, abs=0.2)
  assert likeness(heard, chirp()) > 0.95
  assert 'cut short: its header promises' in caplog.text


@pytest.mark.parametrize('junk', [100, 3000, 100_000])
def test_bytes_that_are_no_frames_are_passed_over(tmp_path, junk):
  content = mp3(mode='CONSTANT')
  path = tmp_path / 'a.mp3'
  half = len(content) // 2
  path.write_bytes(bytes(junk) + content[:half] + bytes(junk) + content[half:])
  assert audio.duration(path) == pytest.approx(3.0, abs=0.08)


@pytest.mark.parametrize('codec', ['mp2'])
def test_layer_two_is_read(tmp_path, codec):
  path = by_ffmpeg(tmp_path / 'a.mp2', codec, codec, 44100)
  assert audio.duration(path) == pytest.approx(3.0, abs=0.05)
