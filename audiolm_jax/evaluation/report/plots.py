"""Pictures of an evaluation, as PNG files; needs matplotlib (extra [eval])."""

import importlib.util
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.intervals import Figure
from audiolm_jax.evaluation.metrics import mel
from audiolm_jax.evaluation.metrics.language_model import Evaluation
from audiolm_jax.evaluation.metrics.layers import Score
from audiolm_jax.evaluation.metrics.reconstruction import Reconstruction
from audiolm_jax.evaluation.metrics.roc import Roc
from audiolm_jax.evaluation.tables import Cell, Table

# Blue, orange and grey that readers who see red and green alike tell apart.
COLOURS = ('#0072b2', '#e69f00', '#999999')
DPI = 110


class Sound(NamedTuple):
  """A waveform to draw.

  Attributes:
    title: Title above the picture.
    waveform: Samples.
    prompt_seconds: Start of its generated part, in seconds; 0 if all of it is.
  """

  title: str
  waveform: Float[np.ndarray, ' N']
  prompt_seconds: float


def reconstruction(result: Reconstruction, path: pathlib.Path) -> None:
  """One panel a metric: quality against quantizer levels kept."""
  names = list(result.scores)
  figure = _figure(3.2 * len(names), 2.8)
  for axes, name in zip(_panels(figure, 1, len(names)), names, strict=True):
    axes.plot(result.levels, result.scores[name], 'o-', color=COLOURS[0])
    unit = result.units[name]
    axes.set(title=name, xlabel='quantizer levels', ylabel=unit)
    axes.set_xticks(result.levels)
    axes.grid(alpha=0.3)
  _save(figure, path)


def language_models(
    results: Mapping[str, Evaluation], path: pathlib.Path
) -> None:
  """One panel a stage: model, bigram and unigram, over all and by level."""
  figure = _figure(4.2 * len(results), 3.0)
  panels = _panels(figure, 1, len(results))
  for axes, (stage, result) in zip(panels, results.items(), strict=True):
    groups = [result.total, *result.levels]
    for i, name in enumerate(('model', 'bigram', 'unigram')):
      places = np.arange(len(groups)) + 0.27 * (i - 1)
      heights = [getattr(losses, name) for losses in groups]
      axes.bar(places, heights, 0.25, label=name, color=COLOURS[i])
    labels = ['all', *(str(i + 1) for i in range(len(result.levels)))]
    axes.set_xticks(range(len(groups)), labels)
    axes.set(title=stage, xlabel='level', ylabel='nats a token')
  panels[0].legend(frameon=False)
  _save(figure, path)


def layers(scores: Sequence[Score], path: pathlib.Path) -> None:
  """Error of the ids by layer, a line for each number of clusters."""
  figure = _figure(5.0, 3.2)
  [axes] = _panels(figure, 1, 1)
  for size in sorted({score.num_clusters for score in scores}):
    same = [score for score in scores if score.num_clusters == size]
    axes.plot(
        [score.layer for score in same],
        [score.error for score in same],
        'o-',
        label=f'K = {size}',
    )
  played = scores[0].centroids is None
  axes.set(xlabel='layer', ylabel='1 - PNMI' if played else 'ABX error')
  axes.set_xticks(sorted({score.layer for score in scores}))
  axes.legend(frameon=False, loc='upper left', bbox_to_anchor=(1.0, 1.0))
  axes.grid(alpha=0.3)
  _save(figure, path)


def spectrograms(
    sounds: Sequence[Sound], sample_rate: int, path: pathlib.Path
) -> None:
  """One row a sound; a line marks where its generated part begins."""
  figure = _figure(9.0, 1.7 * len(sounds))
  for axes, sound in zip(_panels(figure, len(sounds), 1), sounds, strict=True):
    bands = mel.log_mel_db(sound.waveform, sample_rate).T
    axes.imshow(
        bands,
        origin='lower',
        aspect='auto',
        vmin=bands.max() - mel.DYNAMIC_RANGE_DB,
        extent=(0, len(sound.waveform) / sample_rate, 0, len(bands)),
    )
    if sound.prompt_seconds:
      axes.axvline(sound.prompt_seconds, color='white', linewidth=1)
    axes.set_title(sound.title, fontsize=8)
    axes.set_ylabel('mel band', fontsize=8)
  axes.set_xlabel('seconds')
  _save(figure, path)


def intervals(table: Table, path: pathlib.Path) -> None:
  """One panel a column: our figures with their intervals, and the paper's.

  Columns without a figure of ours are left out; a table without any is not
  drawn.
  """
  columns = [
      place
      for place in range(1, len(table.header))
      if any(isinstance(row[place], Figure) for row in table.rows)
  ]
  if not columns:
    return
  height = 1.0 + 0.32 * len(table.rows)
  figure = _figure(2.0 + 2.6 * len(columns), height)
  panels = _panels(figure, 1, len(columns))
  for axes, place in zip(panels, columns, strict=True):
    for y, row in enumerate(table.rows):
      _draw_cell(axes, row[place], y)
    axes.set_title(table.header[place], fontsize=9)
    axes.set_ylim(len(table.rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.grid(alpha=0.3, axis='x')
  names = [str(row[0]) for row in table.rows]
  panels[0].set_yticks(range(len(names)), names, fontsize=8)
  _save(figure, path)


def _draw_cell(axes: Any, value: Cell, y: int) -> None:
  if isinstance(value, Figure):
    ends = [value.low, value.high]
    axes.plot(ends, [y, y], '-', color=COLOURS[0], linewidth=2)
    axes.plot([value.value], [y], 'o', color=COLOURS[0])
  elif isinstance(value, int | float):
    axes.plot([value], [y], 'D', color=COLOURS[1])


def rocs(curves: Mapping[str, Roc], path: pathlib.Path) -> None:
  """Continuations found against originals called so, a line a set."""
  figure = _figure(4.6, 4.0)
  (axes,) = _panels(figure, 1, 1)
  for name, curve in curves.items():
    label = f'{name} ({curve.auc:.4f})'
    axes.step(curve.false_alarms, curve.hits, where='post', label=label)
  axes.set(
      xlabel='originals called generated',
      ylabel='generated clips found',
      title='ROC (area)',
  )
  axes.grid(alpha=0.3)
  axes.legend(fontsize=7, loc='lower right')
  _save(figure, path)


def check_installed() -> None:
  """Refuses to go on without matplotlib."""
  if importlib.util.find_spec('matplotlib') is None:
    raise UserError(
        "matplotlib is missing: pip install 'audiolm_jax[eval]', or pass"
        ' --noplots.'
    )


def _figure(width: float, height: float) -> Any:
  # Not pyplot: it keeps figures alive and may look for a display.
  from matplotlib.figure import Figure

  return Figure(figsize=(width, height), layout='constrained')


def _panels(figure: Any, rows: int, columns: int) -> list[Any]:
  return list(figure.subplots(rows, columns, squeeze=False).flat)


def _save(figure: Any, path: pathlib.Path) -> None:
  figure.savefig(path, dpi=DPI)
