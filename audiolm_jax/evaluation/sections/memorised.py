"""Table of how much of what is generated was learnt by heart."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from audiolm_jax.evaluation.metrics import copying
from audiolm_jax.evaluation.metrics.copying import Coded, Frames, Run
from audiolm_jax.evaluation.sections.quality import Clips, System
from audiolm_jax.evaluation.tables import Cell, Table
from audiolm_jax.tokens.fields import deduplicate
from audiolm_jax.tokens.stages import Sizes

_TRUE, _PLANTED = 'true continuation', 'planted copy'


def table(
    clips: Clips,
    held_out: Sequence[Coded],
    systems: Mapping[str, System],
    training: Iterable[Coded],
    sizes: Sizes,
) -> Table:
  """The longest runs of tokens that occur in the training set.

  Repeats are dropped first, here and there: silence and notes that are held are
  in every training set, and are no copy.

  Args:
    clips: Clips with the speaker or piece of each prompt.
    held_out: Tokens of what the prompts truly go on with: what a recording
      scores that no model has made.
    systems: Systems by name; those without tokens are left out.
    training: All training recordings; see `copying.longest_runs`.
    sizes: Sizes of the tokens; says how long they last.
  """
  made = {_TRUE: [[clip] for clip in held_out]}
  made |= {
      name: system.coded for name, system in systems.items() if system.coded
  }
  rows: dict[str, list[Cell]] = {name: [name] for name in [*made, _PLANTED]}
  kinds: dict[str, tuple[Callable[..., Iterable[Frames]], float]] = {
      'semantic': (copying.semantic, sizes.semantic_rate),
      'first acoustic level': (_first_level, sizes.acoustic_rate),
  }
  for frames_of, rate in kinds.values():
    frames = {
        name: [list(frames_of(row)) for row in each]
        for name, each in made.items()
    }
    truths = [row[0] for row in frames[_TRUE]]
    copies = copying.planted(truths, frames_of(training))
    frames[_PLANTED] = [[copy] for copy in copies]
    corpus = copying.Each(frames_of(training), deduplicate)
    for name, runs in _runs(frames, corpus, rate).items():
      rows[name] += _run_cells(clips, runs)
  return Table(
      'copied',
      'Copied from the training set?',
      'The longest run of consecutive tokens that occurs in the training set,'
      ' repeats dropped, mean over prompts, and the longest of all. Copies'
      ' are seen by runs far longer than those of recordings that the model'
      ' never heard. The planted copies, cut out of the training set, must be'
      ' found whole. Seconds are those of the clip: few tokens in many seconds'
      ' are a sound that is held, not a copy.',
      [
          'continuation',
          *(
              f'{k}, {of}'
              for k in kinds
              for of in ('tokens', 's', 'longest, s')
          ),
      ],
      list(rows.values()),
  )


class Copied(NamedTuple):
  """A run that is found.

  Attributes:
    tokens: Number of its tokens without repeats; NaN where there were none to
      look for.
    seconds: Seconds for which it lasts in the clip.
  """

  tokens: float
  seconds: float


def _run_cells(clips: Clips, runs: Sequence[Sequence[Copied]]) -> list[Cell]:
  """The mean run in tokens and in seconds, and the longest in seconds."""
  longest = [run.seconds for row in runs for run in row if run.tokens >= 0]
  if not longest:
    return [None] * 3
  clips = clips._replace(groups=clips.groups[: len(runs)])
  return [
      clips.figure([[run.tokens for run in row] for row in runs]),
      clips.figure([[run.seconds for run in row] for row in runs]),
      max(longest),
  ]


def _first_level(clips: Iterable[Coded]) -> Iterable[Frames]:
  return copying.acoustic(clips, 1)


def _runs(
    groups: Mapping[str, Sequence[Sequence[Frames]]],
    corpus: Iterable[Frames],
    rate: float,
) -> dict[str, list[list[Copied]]]:
  """Finds all clips' runs together, so that the corpus is read once."""
  flat = [clip for rows in groups.values() for row in rows for clip in row]
  runs = iter(copying.longest_runs(map(deduplicate, flat), corpus))
  return {
      name: [
          [_copied(*pair, rate) for pair in zip(row, runs, strict=False)]
          for row in rows
      ]
      for name, rows in groups.items()
  }


def _copied(frames: Frames, run: Run, rate: float) -> Copied:
  # What has no tokens copies none, but says nothing either.
  if not len(frames):
    return Copied(float('nan'), float('nan'))
  changes = np.flatnonzero((frames[1:] != frames[:-1]).any(axis=1)) + 1
  borders = np.concatenate([[0], changes, [len(frames)]])
  held = borders[run.start + run.length] - borders[run.start]
  return Copied(float(run.length), float(held / rate))
