"""Tests data/shipped/other_sounds.py on packages made here."""

import numpy as np
import pytest
import soundfile

from audiolm_jax import audio
from audiolm_jax.adapters.recording import SAMPLE_RATE
from audiolm_jax.corpus import Clip, read_manifest, write_manifest
from data.shipped import other_sounds, tones


def write(path, seconds, rate=22050, level=0.3):
  path.parent.mkdir(parents=True, exist_ok=True)
  noise = np.random.default_rng(len(path.name)).normal(size=int(seconds * rate))
  soundfile.write(path, (level * noise).clip(-1, 1), rate)


@pytest.fixture
def packages(tmp_path, monkeypatch):
  """Two packages, as if they had been fetched."""
  for name, files in {
      'tunes': {'music/long.ogg': 60, 'music/short.wav': 4, 'voices/no.ogg': 9},
      'others': {'music/long.ogg': 25, 'sounds/click.wav': 0.2},
  }.items():
    for file, seconds in files.items():
      write(tmp_path / name / file, seconds)
  write(tmp_path / 'tunes/music/silent.wav', 20, level=0.0)
  (tmp_path / 'tunes/music/broken.ogg').write_bytes(b'OggS')
  monkeypatch.setattr(
      other_sounds.fetch, 'debian', lambda name, cache: tmp_path / name
  )
  monkeypatch.setattr(
      other_sounds,
      'PACKAGES',
      (
          other_sounds.Package('tunes', 'train', 'CC0', ('voices',)),
          other_sounds.Package('others', 'test', 'CC0'),
      ),
  )


def run(*argv) -> list[Clip]:
  other_sounds.FLAGS.unparse_flags()
  other_sounds.main(other_sounds.FLAGS(['other_sounds', *map(str, argv)]))
  return read_manifest(argv[0] / 'manifest.jsonl')


def test_excerpts_have_sound_and_a_package_one_split(packages, tmp_path):
  clips = run(tmp_path / 'out')
  assert {clip.origin for clip in clips} == {'other'}
  clips = [clip for clip in clips if clip.source != 'tones']
  found = {(c.source, c.split, c.piece, round(c.seconds)) for c in clips}
  assert found == {
      ('tunes', 'train', 'music-long', 10),
      ('tunes', 'train', 'music-short', 4),
      ('others', 'test', 'music-long', 10),
  }
  # Four of the piece of a minute, two of that of 25 s, the short one whole.
  assert len(clips) == 4 + 1 + 2
  waveforms = [audio.read(clip.path, SAMPLE_RATE) for clip in clips[:2]]
  assert np.abs(waveforms[0] - waveforms[1]).max() > 0.1


def test_pieces_of_a_manifest_keep_their_splits(packages, tmp_path):
  pieces = []
  for split in ('train', 'test'):
    path = tmp_path / f'{split}.wav'
    write(path, 12)
    pieces.append(Clip(str(path), 12.0, split, 'midi', 'CC0', piece=split))
  write_manifest(tmp_path / 'piano.jsonl', pieces)
  clips = run(tmp_path / 'out', f'--piano={tmp_path}/piano.jsonl')
  piano = [clip for clip in clips if clip.source == 'piano']
  assert [clip.split for clip in piano] == [clip.piece for clip in piano]
  assert len(piano) == 2


def test_pieces_of_plain_tones_are_in_every_split_and_no_two_alike(
    packages, tmp_path
):
  clips = [c for c in run(tmp_path / 'out') if c.source == 'tones']
  assert {clip.split for clip in clips} == {'train', 'dev', 'test'}
  assert len({clip.piece for clip in clips}) == len(clips)
  one, two = (audio.read(clip.path, SAMPLE_RATE) for clip in clips[:2])
  assert len(one) == len(two) == 10 * SAMPLE_RATE
  assert abs(np.corrcoef(one, two)[0, 1]) < 0.5


@pytest.mark.parametrize('seed', range(8))
def test_a_piece_of_plain_tones_sounds_to_its_end_and_comes_again(seed):
  made = tones.piece(seed, 3.0, SAMPLE_RATE)
  assert made.dtype == np.float32 and len(made) == 3 * SAMPLE_RATE
  np.testing.assert_allclose(np.abs(made).max(), 0.3, rtol=1e-3)
  np.testing.assert_array_equal(made, tones.piece(seed, 3.0, SAMPLE_RATE))
  quarters = made[: len(made) // 4 * 4].reshape(4, -1)
  assert (np.abs(quarters).max(axis=1) > 1e-3).all()
