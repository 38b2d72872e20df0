"""Results of an evaluation as report.json, report.md and report.html."""

import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.report import page, result_tables
from audiolm_jax.evaluation.tables import Table

Results = Mapping[str, Any]


def write(
    results: Results,
    measured: Sequence[Table],
    pictures: Sequence[pathlib.Path],
    examples: Sequence[page.Example],
    output_dir: pathlib.Path,
) -> list[pathlib.Path]:
  """Writes the report three times; returns its paths.

  Args:
    results: Sections as they were measured, by name.
    measured: Tables of their own.
    pictures: PNG files, which the page holds copies of.
    examples: Sounds to listen to on the page.
    output_dir: Gets report.json, report.md and report.html.
  """
  plain = to_plain(results)
  shown = [*result_tables.tables(plain), *measured]
  contents = plain | {'tables': {t.name: to_plain(t) for t in measured}}
  texts = {
      'report.json': json.dumps(contents, indent=2, ensure_ascii=False) + '\n',
      'report.md': markdown(shown),
      'report.html': page.html('Evaluation', shown, pictures, examples),
  }
  for name, text in texts.items():
    (output_dir / name).write_text(text, encoding='utf-8')
  return [output_dir / name for name in texts]


def markdown(shown: Sequence[Table]) -> str:
  """All tables, one below the other."""
  return '\n'.join(['# Evaluation\n', *map(tables.markdown, shown)])


def to_plain(value: Any) -> Any:
  """NamedTuples to objects, arrays to lists, NaN and infinities to null."""
  if hasattr(value, '_asdict'):
    return to_plain(value._asdict())
  if isinstance(value, Mapping):
    return {str(key): to_plain(item) for key, item in value.items()}
  if isinstance(value, list | tuple | np.ndarray):
    return [to_plain(item) for item in value]
  if isinstance(value, np.generic):
    return to_plain(value.item())
  if isinstance(value, float) and not math.isfinite(value):
    return None
  return value
