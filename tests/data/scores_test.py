"""Tests data/shipped/scores.py; music21 comes with data/requirements.txt."""

import pytest

from audiolm_jax.errors import UserError
from data.shipped import scores

music21 = pytest.importorskip('music21')
pytestmark = pytest.mark.slow  # Importing music21 takes seconds.


@pytest.fixture
def written(tmp_path):
  """Two voices in 3/4; the upper one ties its last two notes."""
  upper = music21.converter.parse('tinynotation: 3/4 c4 d e f2~ f4')
  lower = music21.converter.parse('tinynotation: 3/4 C2. G2.')
  upper.measure(1).insert(0, music21.tempo.MetronomeMark(number=66))
  path = tmp_path / 'waltz.musicxml'
  music21.stream.Score([upper, lower]).write('musicxml', path)
  return path


def test_score_is_read_as_it_sounds(written):
  score = scores.read(written)
  assert score.notes[:, :3].tolist() == [
      [0, 1, 60],
      [0, 3, 48],
      [1, 1, 62],
      [2, 1, 64],
      [3, 3, 55],
      [3, 3, 65],  # The tie makes one note.
  ]
  assert (score.bar, score.quarters_per_minute) == (3, 66)
  assert score.num_voices == 2
  assert score.notes[0, 3] > score.notes[2, 3]  # A downbeat weighs more.


def test_what_is_no_score_is_named(tmp_path):
  path = tmp_path / 'noise.musicxml'
  path.write_text('<score-partwise></score-partwise>')
  with pytest.raises(UserError, match='noise'):
    scores.read(path)


def test_files_are_listed_once_in_a_fixed_order():
  files = scores.files()
  names = [file.name for file in files]
  assert len(set(names)) == len(names) > 700
  assert files == scores.files()
  assert [file.composer for file in files[:400]] == ['bach'] * 400
