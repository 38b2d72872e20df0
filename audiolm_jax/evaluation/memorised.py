"""How much of what is generated was learnt by heart, as a table."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from audiolm_jax.evaluation import copying
from audiolm_jax.evaluation.copying import Coded, Frames
from audiolm_jax.evaluation.quality import Clips, Way
from audiolm_jax.evaluation.tables import Cell, Table
from audiolm_jax.tokens.stages import Sizes

_TRUE, _PLANTED = 'true continuation', 'planted copy'


def table(
    clips: Clips,
    held_out: Sequence[Coded],
    ways: Mapping[str, Way],
    training: Iterable[Coded],
    sizes: Sizes,
) -> Table:
  """The longest runs of tokens that occur in the training set.

  Args:
    clips: Whose groups they are.
    held_out: Tokens of what the prompts truly go on with: what a recording
      scores that no model has made.
    ways: Those without tokens are left out.
    training: All training recordings; see `copying.longest_runs`. Where the
      semantic stage drops repeats, drop them here and in `held_out` too.
    sizes: Of the tokens; says how long they last.
  """
  made = {_TRUE: [[clip] for clip in held_out]}
  made |= {name: way.coded for name, way in ways.items() if way.coded}
  rows: dict[str, list[Cell]] = {name: [name] for name in [*made, _PLANTED]}
  kinds: dict[str, tuple[Callable[..., Iterable[Frames]], float]] = {
      'semantic': (copying.semantic, sizes.semantic_rate),
      'first acoustic level': (_first_level, sizes.acoustic_rate),
  }
  for frames_of, rate in kinds.values():
    corpus = frames_of(training)
    frames = {
        name: [list(frames_of(row)) for row in each]
        for name, each in made.items()
    }
    truths = [row[0] for row in frames[_TRUE]]
    frames[_PLANTED] = [[copy] for copy in copying.planted(truths, corpus)]
    for name, runs in _runs(frames, corpus).items():
      rows[name] += _run_cells(clips, runs, rate)
  return Table(
      'copied',
      'Copied from the training set?',
      'The longest run of consecutive tokens that occurs in the training set,'
      ' mean over prompts, and the longest of all. Copies are seen by runs far'
      ' longer than those of recordings that the model never heard. The planted'
      ' copies, cut out of the training set, must be found whole.',
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


def _run_cells(
    clips: Clips, runs: Sequence[Sequence[float]], rate: float
) -> list[Cell]:
  """The mean run in tokens and in seconds, and the longest in seconds."""
  defined = [run for row in runs for run in row if not np.isnan(run)]
  if not defined:
    return [None] * 3
  groups = clips.groups[: len(runs)]
  tokens, seconds = (
      clips._replace(groups=groups).figure(
          [[run / unit for run in row] for row in runs]
      )
      for unit in (1.0, rate)
  )
  return [tokens, seconds, max(defined) / rate]


def _first_level(clips: Iterable[Coded]) -> Iterable[Frames]:
  return copying.acoustic(clips, 1)


def _runs(
    groups: Mapping[str, Sequence[Sequence[Frames]]], corpus: Iterable[Frames]
) -> dict[str, list[list[float]]]:
  """Of all clips together, so that the corpus is read as rarely as possible."""
  flat = [clip for rows in groups.values() for row in rows for clip in row]
  runs = iter(copying.longest_runs(flat, corpus))
  return {
      # What has no tokens copies none, but says nothing either.
      name: [
          [
              float(run) if len(clip) else np.nan
              for clip, run in zip(row, runs, strict=False)
          ]
          for row in rows
      ]
      for name, rows in groups.items()
  }
