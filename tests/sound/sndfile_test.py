"""Tests audiolm_jax/sound/sndfile.py by way of audio.read."""

import resource
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from tests.sound.sounds import chirp, encoded

PAIRS = [
    (format_, subtype)
    for format_ in soundfile.available_formats()
    for subtype in soundfile.available_subtypes(format_)
    # SD2 keeps its header in a second file.
    if format_ not in ('RAW', 'SD2')
]
# libsndfile reads these and does not write them.
UNWRITABLE = {('AIFF', 'DWVW_12'), ('WAV', 'MPEG_LAYER_III')}
UNWRITABLE |= {('MP3', 'MPEG_LAYER_I'), ('MP3', 'MPEG_LAYER_II')}


@pytest.mark.parametrize('pair', sorted(set(PAIRS) - UNWRITABLE))
def test_every_format_is_read_whole_and_in_part(tmp_path, pair):
  rate = 44100 if pair[0] == 'XI' else 8000  # XI knows no other.
  try:
    content = encoded(*pair, chirp(3.0, rate), rate)
  except soundfile.LibsndfileError:  # Opus and G.723 ask for other rates.
    rate = 16000
    content = encoded(*pair, chirp(3.0, rate), rate)
  path = tmp_path / 'a.bin'
  path.write_bytes(content)
  whole = audio.read(path, rate)
  # ADPCM fills its last block.
  assert 3.0 <= len(whole) / rate < 3.06
  assert audio.duration(path) == len(whole) / rate
  assert np.corrcoef(whole[: 3 * rate], chirp(3.0, rate))[0, 1] > 0.95
  crop = audio.read(path, rate, start_seconds=2.5, seconds=0.25)
  expected = whole[rate * 5 // 2 : rate * 11 // 4]
  np.testing.assert_allclose(crop, expected, atol=1e-3)


def unknown_length(flac: bytes) -> bytes:
  """As pipes write it: the count of samples in STREAMINFO is 0."""
  content = bytearray(flac)
  content[21] &= 0xF0
  content[22:26] = bytes(4)
  return bytes(content)


@pytest.mark.parametrize('seconds', [0.01, 3.0, 40.0])
def test_a_flac_of_unknown_length_lasts_as_long_as_it_decodes(
    tmp_path, seconds
):
  said = chirp(seconds)
  path = tmp_path / 'pipe.flac'
  path.write_bytes(unknown_length(encoded('FLAC', 'PCM_16', said)))
  np.testing.assert_allclose(audio.read(path, 16000), said, atol=1e-4)
  assert audio.duration(path) == seconds
  half = seconds / 2
  crop = audio.read(path, 16000, start_seconds=half)
  np.testing.assert_allclose(crop, said[round(half * 16000) :], atol=1e-4)


@pytest.mark.parametrize('share', [0.2, 0.5, 0.9])
def test_a_stopped_flac_of_unknown_length_is_read_up_to_there(
    tmp_path, caplog, share
):
  content = unknown_length(encoded('FLAC', 'PCM_16'))
  path = tmp_path / f'stopped{share}.flac'
  path.write_bytes(content[: round(share * len(content))])
  heard = audio.read(path, 16000)
  np.testing.assert_allclose(heard, chirp()[: len(heard)], atol=1e-4)
  assert len(heard) / 48000 == pytest.approx(share, abs=0.15)
  assert 'cut off after' in caplog.text


@pytest.mark.parametrize('tail', [b'TAG' + b'x' * 125, b'\0' * 5000])
def test_what_stands_behind_a_flac_is_no_damage(tmp_path, tail):
  path = tmp_path / 'a.flac'
  path.write_bytes(encoded('FLAC', 'PCM_16') + tail)
  np.testing.assert_allclose(audio.read(path, 16000), chirp(), atol=1e-4)


@pytest.mark.parametrize('share', [0.3, 0.6, 0.95])
def test_a_flac_that_promises_more_than_it_has_is_refused(tmp_path, share):
  content = encoded('FLAC', 'PCM_16')
  path = tmp_path / 'cut.flac'
  path.write_bytes(content[: round(share * len(content))])
  with pytest.raises(UserError, match='cut.flac is (cut short|damaged)'):
    audio.read(path, 16000)
  with pytest.raises(UserError, match='cut.flac is (cut short|damaged)'):
    audio.duration(path)


def test_a_flac_called_raw_is_read(tmp_path):
  path = tmp_path / 'a.raw'
  path.write_bytes(encoded('FLAC', 'PCM_16'))
  np.testing.assert_allclose(audio.read(path, 16000), chirp(), atol=1e-4)


def test_a_rate_that_would_fill_any_memory_is_refused(tmp_path):
  soundfile.write(tmp_path / 'a.wav', np.ones(10**5) / 2, 1, subtype='PCM_U8')
  with pytest.raises(UserError, match='a.wav claims 1 samples a second'):
    audio.read(tmp_path / 'a.wav', 16000)


HUNGRY = """
import resource, sys
from audiolm_jax import audio
from audiolm_jax.errors import UserError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
samples = len(audio.read(sys.argv[1], 16000))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(samples, after - before)
free = int(open('/proc/self/statm').read().split()[0]) * 4096 + 2**28
resource.setrlimit(resource.RLIMIT_AS, (free, free))
print(audio.duration(sys.argv[2]))
try:
  audio.read(sys.argv[2], 16000)
except UserError as error:
  print(error)
"""


@pytest.mark.skipif(not resource, reason='Only where memory can be limited.')
def test_memory_follows_the_waveform_and_not_the_file(tmp_path):
  # Ten minutes of six channels: 690 MB as float32, 38 MB as our waveform.
  wide, long = tmp_path / 'wide.wav', tmp_path / 'long.wav'
  soundfile.write(wide, np.zeros((48000, 6)), 48000)
  soundfile.write(long, np.zeros(16000), 16000)
  for path, frame, seconds in (
      (wide, 12 * 48000, 600),
      (long, 32000, 3600 * 4),
  ):
    head = bytearray(path.read_bytes()[:256])
    at = head.find(b'data') + 4
    head[at : at + 4] = (frame * seconds).to_bytes(4, 'little')
    with open(path, 'r+b') as file:
      file.write(head)
      file.truncate(at + 4 + frame * seconds)
  done = subprocess.run(
      [sys.executable, '-c', HUNGRY, wide, long],
      capture_output=True,
      text=True,
      check=True,
  )
  wide_line, seconds, refusal = done.stdout.splitlines()
  samples, kilobytes = map(int, wide_line.split())
  assert samples == 600 * 16000
  assert kilobytes < 120_000
  assert float(seconds) == 14400
  assert 'long.wav is too long to be held in memory' in refusal
