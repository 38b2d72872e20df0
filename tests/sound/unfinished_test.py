"""Recordings whose writer was stopped, and FLACs one behind the other."""

import numpy as np
import pytest
import soundfile

from audiolm_jax import audio

RATE = 16000
TONE = (0.3 * np.sin(0.05 * np.arange(2 * RATE))).astype(np.float32)


@pytest.fixture(name='written')
def _written(tmp_path):
  def write(form, sound=TONE, **settings):
    path = tmp_path / f'x.{form.lower()}'
    soundfile.write(path, sound, RATE, format=form, **settings)
    return path

  return write


def _says(path, name, skip, size):
  """Writes another size into a header, `skip` bytes behind a name."""
  content = bytearray(path.read_bytes())
  at = content.find(name) + skip
  content[at : at + len(size)] = size
  path.write_bytes(content)


@pytest.mark.parametrize(
    'form, endian, name, skip, size',
    [
        ('AU', 'BIG', b'.snd', 8, b'\0\0\0\0'),
        ('AU', 'BIG', b'.snd', 8, b'\xff\xff\xff\xff'),
        ('AU', 'BIG', b'.snd', 8, b'\x7f\xff\xff\xff'),
        ('AU', 'BIG', b'.snd', 8, b'\0\0\0\x64'),
        ('AU', 'LITTLE', b'dns.', 8, b'\0\0\0\0'),
        ('AU', 'LITTLE', b'dns.', 8, b'\x64\0\0\0'),
        ('AIFF', 'FILE', b'SSND', 4, b'\0\0\0\0'),
        ('AIFF', 'FILE', b'SSND', 4, b'\0\0\0\x08'),
        ('AIFF', 'FILE', b'SSND', 4, b'\0\0\x10\x08'),
        ('CAF', 'FILE', b'data', 4, b'\xff' * 8),
        ('CAF', 'FILE', b'data', 4, b'\0' * 8),
        ('CAF', 'FILE', b'data', 4, b'\0' * 7 + b'\x04'),
        ('W64', 'FILE', b'data', 16, b'\0' * 8),
    ],
)
def test_sound_behind_an_unfinished_header_is_read_to_its_end(
    written, form, endian, name, skip, size
):
  path = written(form, endian=endian)
  whole = audio.read(path, RATE)
  _says(path, name, skip, size)
  found = audio.read(path, RATE)
  np.testing.assert_array_equal(found, whole)
  assert audio.duration(path) == 2.0


@pytest.mark.parametrize('form', ['AU', 'AIFF', 'CAF', 'W64', 'RF64'])
def test_a_finished_header_is_believed(written, form):
  found = audio.read(written(form), RATE)
  np.testing.assert_allclose(found, TONE, atol=1e-4)


@pytest.mark.parametrize('form', ['AIFF', 'CAF'])
def test_a_chunk_behind_the_sound_is_no_sound(written, form):
  path = written(form)
  size = (10_000).to_bytes(4 if form == 'AIFF' else 8, 'big')
  path.write_bytes(path.read_bytes() + b'info' + size + bytes(10_000))
  assert audio.duration(path) == 2.0


@pytest.mark.parametrize('num_streams', [2, 3])
@pytest.mark.parametrize('known', [True, False])
def test_flacs_behind_each_other_are_all_read(written, num_streams, known):
  path = written('FLAC')
  single = bytearray(path.read_bytes())
  if not known:  # As pipes write: the number of samples is 0.
    single[21] &= 0xF0
    single[22:26] = bytes(4)
  path.write_bytes(bytes(single) * num_streams)
  found = audio.read(path, RATE)
  np.testing.assert_allclose(found, np.tile(TONE, num_streams), atol=1e-4)
  assert audio.duration(path) == 2.0 * num_streams
