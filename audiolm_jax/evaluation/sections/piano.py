"""The piano experiment in numbers: who goes on as the prompt began?

Listeners of AudioLM preferred its continuations to those of a model of acoustic
tokens alone (s. IV-I).
"""

from collections.abc import Callable, Sequence

import numpy as np

from audiolm_jax.evaluation import intervals
from audiolm_jax.evaluation.metrics import music
from audiolm_jax.evaluation.metrics.music import Sound
from audiolm_jax.evaluation.metrics.transcription import Transcribe
from audiolm_jax.evaluation.sections import piano_notes
from audiolm_jax.evaluation.sections.piano_notes import Transcribed
from audiolm_jax.evaluation.subjects.piano_excerpts import Excerpts, Waveform
from audiolm_jax.evaluation.tables import Cell, Missing, Table

Agreement = Callable[[Sound, Sound], float]
# Continuation -> agreement -> one number a clip.
Agreements = dict[str, dict[str, list[float]]]

_AGREEMENTS: dict[str, Agreement] = {
    'chroma cosine': music.chroma_agreement,
    'key correlation': music.key_agreement,
    'onset density': music.onset_agreement,
}
# Listeners who preferred AudioLM to the acoustic-only model, %.
_PREFERRED = 83.3


def tables(
    excerpts: Excerpts,
    transcribe: Transcribe | Missing,
    preferred: tuple[str, str],
    seed: int = 0,
) -> list[Table]:
  """Agreement with the prompt, notes, and one way against another.

  Args:
    excerpts: `TRUE` is the ceiling; the floor is added here.
    transcribe: Writes down notes, or why it cannot.
    preferred: Two names of `continuations`; how often the first goes on more
      like the prompt than the second is set beside the paper's listeners.
    seed: Seed of the bootstrap.
  """
  excerpts = excerpts.with_others()
  why = music.missing_library()
  heard = None if why else _agreements(excerpts)
  noted = None
  if not isinstance(transcribe, Missing):
    noted = Transcribed.of(excerpts, transcribe)
  return [
      _agreement_table(excerpts, why or heard, seed),
      piano_notes.table(excerpts, noted or transcribe, seed),
      _preference_table(excerpts, heard, noted, preferred, seed),
  ]


def _agreements(excerpts: Excerpts) -> Agreements:
  def listen(waveforms: Sequence[Waveform]) -> list[Sound]:
    return [music.listen(each, excerpts.sample_rate) for each in waveforms]

  prompts, found = listen(excerpts.prompts), {}
  for name, waveforms in excerpts.continuations.items():
    pairs = list(zip(prompts, listen(waveforms), strict=True))
    found[name] = {
        measure: [agree(*pair) for pair in pairs]
        for measure, agree in _AGREEMENTS.items()
    }
  return found


def _agreement_table(
    excerpts: Excerpts,
    heard: Agreements | Missing,
    seed: int,
) -> Table:
  rows: list[list[Cell]] = []
  for name in excerpts.continuations:
    if isinstance(heard, Missing):
      rows.append([name, *[heard] * len(_AGREEMENTS)])
      continue
    values = (heard[name][measure] for measure in _AGREEMENTS)
    figures = [intervals.mean(each, excerpts.pieces, seed) for each in values]
    rows.append([name, *figures])
  return Table(
      'piano_agreement',
      'Piano: does it go on as it began?',
      f'{excerpts.counted()} Between a prompt and what follows: cosine and'
      ' correlation of the mean chroma, and the ratio of onsets a second.'
      ' Higher is better; the true continuation is what can be reached, another'
      " piece's is what costs nothing (AudioLM s. IV-I).",
      ['continuation', *_AGREEMENTS],
      rows,
  )


def _preference_table(
    excerpts: Excerpts,
    heard: Agreements | None,
    noted: Transcribed | None,
    preferred: tuple[str, str],
    seed: int,
) -> Table:
  """Tells which continuation agrees more with its prompt, and how often."""
  first, second = preferred
  measured = []
  if heard:
    measured += [
        (measure, heard[first][measure], heard[second][measure])
        for measure in _AGREEMENTS
    ]
  if noted:
    pair = (noted.overlaps(name)['prompt'] for name in preferred)
    measured.append(('overlap of pitch classes', *pair))
  rows: list[list[Cell]] = [
      [measure, intervals.mean(_wins(*pair), excerpts.pieces, seed)]
      for measure, *pair in measured
  ]
  return Table(
      'piano_preference',
      f'Piano: {first} against {second}',
      f'{excerpts.counted()} In how many of 100 prompts the former goes on more'
      ' like the prompt; a tie is half. 50 is chance. Listeners of the paper'
      ' said which continuation they preferred (AudioLM s. IV-I).',
      ['judged by', f'{first} wins, %'],
      [*rows, ["the paper's listeners", _PREFERRED]],
  )


def _wins(first: Sequence[float], second: Sequence[float]) -> list[float]:
  """100 where the first is higher, 50 where both are the same."""
  pairs = np.stack([first, second])
  wins = 50.0 * (1 + np.sign(pairs[0] - pairs[1]))
  return wins.tolist()
