"""The scores that music21 ships, as plain arrays.

Most are not piano music but chorales, quartets and vocal polyphony; a pianist
can play them all the same. music21 claims no rights in them and warns that some
encodings are not for commercial use: build from them, do not redistribute.
"""

import pathlib
import random
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax.errors import UserError

LICENCE = 'encoding from the music21 corpus, see its license.txt'

# In the order in which they are used: keyboard-like first, quick to read first.
COMPOSERS = (
    'bach',
    'mozart',
    'haydn',
    'schumann_robert',
    'schumann_clara',
    'chopin',
    'joplin',
    'schubert',
    'beach',
    'corelli',
    'handel',
    'cpebach',
    'weber',
    'monteverdi',
    'trecento',
    'josquin',
    'palestrina',
    'beethoven',
)
_AT_MOST = {'palestrina': 220}  # Of 1,318 that sound much alike.
_TEXT_FORMATS = ('.rntxt', '.abc')  # Analyses and single melodies.


class ScoreFile(NamedTuple):
  """A file that holds a score, with its composer and name."""

  composer: str
  name: str
  path: pathlib.Path


class Score(NamedTuple):
  """A piece as it is written; times count quarter notes.

  Attributes:
    notes: Onset, duration, MIDI pitch, weight of its beat (1 on a downbeat).
    bar: Quarters in a bar.
    quarters_per_minute: The tempo at the start, if it is written.
    num_voices: Parts of the score.
  """

  notes: Float[np.ndarray, 'L 4']
  bar: float
  quarters_per_minute: float | None
  num_voices: int


def files() -> list[ScoreFile]:
  """All scores of `COMPOSERS`, in a fixed order."""
  from music21 import corpus

  root = pathlib.Path(corpus.__file__).parent
  found = {composer: {} for composer in COMPOSERS}
  for path in sorted(map(pathlib.Path, corpus.getCorePaths())):
    composer, *rest = path.relative_to(root).with_suffix('').parts
    if composer in found and path.suffix not in _TEXT_FORMATS:
      # Several encodings of a piece count once.
      name = '-'.join((composer, *rest))
      found[composer][name] = ScoreFile(composer, name, path)
  return [
      file
      for composer in COMPOSERS
      for file in _selection(list(found[composer].values()), composer)
  ]


def read(path: pathlib.Path) -> Score:
  """Parses a score; grace notes are left out.

  Raises:
    UserError: music21 cannot read the file, or it has no notes.
  """
  import music21

  try:
    parsed = music21.converter.parse(path)
    parts = [part.stripTies().flatten() for part in parsed.parts]
    notes = [row for part in parts for row in _rows(part)]
  except (music21.exceptions21.Music21Exception, ZeroDivisionError) as error:
    raise UserError(f'{path}: music21 cannot read it: {error}') from error
  if not notes:
    raise UserError(f'{path} has no notes.')
  everything = parsed.flatten()
  meters = everything.getElementsByClass(music21.meter.TimeSignature)
  return Score(
      notes=np.array(sorted(notes), float),
      bar=float(meters[0].barDuration.quarterLength) if meters else 4.0,
      quarters_per_minute=_tempo(everything),
      num_voices=len(parts),
  )


def _selection(chosen: list[ScoreFile], composer: str) -> list[ScoreFile]:
  limit = _AT_MOST.get(composer)
  return chosen if limit is None else random.Random(0).sample(chosen, limit)


def _rows(part):
  for note in part.notes:
    if not note.duration.isGrace and note.quarterLength > 0:
      onset, length = float(note.offset), float(note.quarterLength)
      for pitch in getattr(note, 'pitches', ()):
        yield onset, length, pitch.midi, _beat_strength(note)


def _beat_strength(note) -> float:
  from music21.exceptions21 import Music21Exception

  try:
    return float(note.beatStrength)
  except Music21Exception:
    return 0.25  # No meter at this place.


def _tempo(score) -> float | None:
  import music21

  for mark in score.getElementsByClass(music21.tempo.MetronomeMark):
    tempo = mark.getQuarterBPM()
    if tempo:
      return float(tempo)
  return None
