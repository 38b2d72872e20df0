"""Notes of prompts and of what follows, as a transcriber hears them."""

from collections.abc import Sequence
from typing import NamedTuple

from audiolm_jax.evaluation import intervals
from audiolm_jax.evaluation.metrics import transcription
from audiolm_jax.evaluation.metrics.transcription import Statistics, Transcribe
from audiolm_jax.evaluation.subjects.piano_excerpts import (
    TRUE,
    Excerpts,
    Waveform,
)
from audiolm_jax.evaluation.tables import Cell, Missing, Table

_COLUMNS = {
    'notes a second': 'notes_per_second',
    'range, semitones': 'pitch_range',
    'note, s': 'note_seconds',
    'loudness': 'velocity',
    'polyphony': 'polyphony',
}


class Transcribed(NamedTuple):
  """Statistics of the notes of the prompts, and of each continuation."""

  prompts: list[Statistics]
  continuations: dict[str, list[Statistics]]

  @classmethod
  def of(cls, excerpts: Excerpts, transcribe: Transcribe) -> 'Transcribed':
    """Writes all of them down."""
    rate = excerpts.sample_rate

    def write(waveforms: Sequence[Waveform]) -> list[Statistics]:
      return [
          transcription.statistics(transcribe(each, rate), len(each) / rate)
          for each in waveforms
      ]

    rows = excerpts.continuations.items()
    return cls(
        write(excerpts.prompts), {name: write(each) for name, each in rows}
    )

  def overlaps(self, name: str) -> dict[str, list[float]]:
    """Overlaps of pitch classes with the prompt and the true continuation."""
    references = {'prompt': self.prompts, 'truth': self.continuations[TRUE]}
    return {
        key: [
            transcription.overlap(*pair)
            for pair in zip(reference, self.continuations[name], strict=True)
        ]
        for key, reference in references.items()
    }


def table(excerpts: Excerpts, noted: Transcribed | Missing, seed: int) -> Table:
  """A row a continuation; `noted` says why if nothing could be written down."""
  rows: list[list[Cell]] = []
  for name in excerpts.continuations:
    if isinstance(noted, Missing):
      rows.append([name, *[noted] * (len(_COLUMNS) + 2)])
      continue
    played = noted.continuations[name]
    values = [
        [getattr(each, field) for each in played] for field in _COLUMNS.values()
    ]
    values += noted.overlaps(name).values()
    figures = [intervals.mean(each, excerpts.pieces, seed) for each in values]
    rows.append([name, *figures])
  return Table(
      'piano_notes',
      'Piano: the notes that a transcriber hears',
      f'{excerpts.counted()} The nearer to the true continuation the better.'
      ' Overlaps are the share of the sounding time in the same pitch classes'
      " (higher is better). Loudness is the transcriber's confidence, 0 to 1.",
      [
          'continuation',
          *_COLUMNS,
          'overlap with the prompt',
          'overlap with the truth',
      ],
      rows,
  )
