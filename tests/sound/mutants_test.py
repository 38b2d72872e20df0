"""Whatever is in a file, reading it ends in samples or in one line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from tests.sound.sounds import chirp, encoded

SEEDS = [
    encoded(format_, subtype, chirp(0.3))
    for format_, subtype in [
        ('WAV', 'PCM_16'),
        ('WAV', 'IMA_ADPCM'),
        ('WAVEX', 'FLOAT'),
        ('RF64', 'PCM_24'),
        ('W64', 'PCM_16'),
        ('FLAC', 'PCM_16'),
        ('OGG', 'VORBIS'),
        ('OGG', 'OPUS'),
        ('MP3', 'MPEG_LAYER_III'),
        ('AIFF', 'PCM_16'),
        ('CAF', 'ALAC_16'),
        ('AU', 'G721_32'),
        ('VOC', 'PCM_U8'),
        ('NIST', 'PCM_16'),
    ]
]


@given(
    content=st.sampled_from(SEEDS),
    changes=st.lists(
        st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=8
    ),
    header=st.lists(
        st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=4
    ),
    share=st.floats(0.0, 1.0),
    tail=st.binary(max_size=64),
)
@settings(max_examples=150, deadline=None)
def test_a_mutant_is_read_or_refused(
    tmp_path_factory, content, changes, header, share, tail
):
  mutant = bytearray(content)
  for at, value in changes + header:
    mutant[at % len(mutant)] = value
  path = tmp_path_factory.getbasetemp() / 'mutant.bin'
  path.write_bytes(mutant[: round(share * len(mutant)) or None] + tail)
  for crop in ({}, {'start_seconds': 0.1, 'seconds': 0.1}):
    try:
      waveform = audio.read(path, 16000, **crop)
      assert len(waveform) == audio.num_samples(path, 16000, **crop)
    except UserError as error:
      assert 'mutant.bin' in str(error) and '\n' not in str(error)
    else:
      assert waveform.dtype == np.float32 and np.isfinite(waveform).all()


def test_a_pointer_of_git_lfs_is_named(tmp_path):
  (tmp_path / 'a.flac').write_text('version https://git-lfs.github.com/spec/v1')
  with pytest.raises(UserError, match='run git lfs pull'):
    audio.read(tmp_path / 'a.flac', 16000)
