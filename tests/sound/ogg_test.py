"""Tests audiolm_jax/sound/ogg.py by way of audio.read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from tests.sound.sounds import chirp, encoded, likeness

PARTS = {
    (subtype, rate, channels): encoded(
        'OGG', subtype, np.stack([chirp(1.0, rate)] * channels, axis=1), rate
    )
    for subtype, rate in (('VORBIS', 16000), ('VORBIS', 44100), ('OPUS', 48000))
    for channels in (1, 2)
}


@given(
    parts=st.lists(st.sampled_from(sorted(PARTS)), min_size=1, max_size=5),
    junk=st.sampled_from([b'', b'OggX', b'\0' * 70000]),
)
@settings(max_examples=25, deadline=None)
def test_every_stream_of_a_chain_is_heard(tmp_path_factory, parts, junk):
  path = tmp_path_factory.mktemp('ogg') / 'chain.ogg'
  path.write_bytes(junk.join(PARTS[part] for part in parts))
  heard = audio.read(path, 16000)
  assert audio.duration(path) == len(parts)
  for number in range(len(parts)):
    second = heard[16000 * number : 16000 * (number + 1)]
    assert likeness(second, chirp(1.0)) > 0.99


def test_a_crop_of_a_chain_is_the_same_part_of_it(tmp_path):
  path = tmp_path / 'chain.ogg'
  path.write_bytes(b''.join(PARTS.values()))
  heard = audio.read(path, 16000)
  for start in (0.5, 1.75, 3.5):
    crop = audio.read(path, 16000, start_seconds=start, seconds=1.5)
    first = round(16000 * start)
    expected = heard[first : first + 24000]
    assert len(crop) == 24000
    assert likeness(crop, expected) > 0.999


def test_a_stream_that_is_lost_is_told(tmp_path, caplog):
  vorbis = PARTS['VORBIS', 16000, 1]
  broken = bytearray(vorbis)
  broken[28:200] = bytes(172)
  path = tmp_path / 'chain.ogg'
  path.write_bytes(vorbis + bytes(broken) + vorbis)
  assert audio.duration(path) == pytest.approx(2.0)
  assert f'{len(vorbis)} of its bytes are lost' in caplog.text


@pytest.mark.parametrize('junk', [b'', b'junk', bytes(70000)])
def test_an_ogg_without_a_first_page_is_one_line(tmp_path, junk):
  page = PARTS['VORBIS', 16000, 1]
  path = tmp_path / 'tail.ogg'
  path.write_bytes(page[:5] + b'\0' + page[6:] + junk)
  try:
    assert len(audio.read(path, 16000))
  except UserError as error:
    assert 'tail.ogg' in str(error)
