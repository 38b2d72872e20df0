"""Results of an evaluation as report.json and report.md."""

import json
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Results = Mapping[str, Any]


def write(results: Results, output_dir: pathlib.Path) -> list[pathlib.Path]:
  """Writes report.json and report.md; returns their paths."""
  plain = to_plain(results)
  as_json = output_dir / 'report.json'
  as_json.write_text(json.dumps(plain, indent=2, ensure_ascii=False) + '\n')
  as_markdown = output_dir / 'report.md'
  as_markdown.write_text(markdown(plain))
  return [as_json, as_markdown]


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


def markdown(results: Results) -> str:
  """The sections that `results` has, as tables."""
  parts = ['# Evaluation\n']
  for name, section in SECTIONS.items():
    if results.get(name):
      parts.append(section(results[name]))
  return '\n'.join(parts)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
  """A Markdown table; floats with three significant decimals."""
  lines = [header, ['---'] * len(header), *rows]
  return ''.join(
      '| ' + ' | '.join(cell(value) for value in line) + ' |\n'
      for line in lines
  )


def cell(value: Any) -> str:
  """A value as a reader wants it."""
  if value is None:
    return '-'
  if isinstance(value, bool):
    return 'yes' if value else 'no'
  if isinstance(value, float):
    return f'{value:.3f}' if abs(value) < 10 else f'{value:.1f}'
  return str(value).replace('|', '\\|')


def _inputs(inputs: Results) -> str:
  return table(['what', 'which'], inputs.items())


def _reconstruction(result: Results) -> str:
  names = list(result['scores'])
  columns = [result['scores'][name] for name in names]
  units = [result['units'][name] for name in names]
  header = [f'{n} ({u})' if u else n for n, u in zip(names, units, strict=True)]
  rows = list(zip(result['levels'], *columns, strict=True))
  improves = ['improves at every level', *result['improves'].values()]
  return (
      '## Codec: reconstruction by quantizer levels kept\n\n'
      f'{result["num_clips"]} held-out clips, {result["seconds"]:.0f} s.\n\n'
      + table(['levels', *header], [*rows, improves])
  )


def _codebooks(result: Results) -> str:
  rows = zip(
      range(1, len(result['used']) + 1),
      result['perplexity'],
      result['used'],
      result['bitrate'],
      result['entropy_bitrate'],
      strict=True,
  )
  header = [
      'level',
      'perplexity',
      'codes used',
      'up to it, kbit/s',
      'entropy-coded, kbit/s',
  ]
  return (
      '## Codec: use of the codebooks\n\n'
      f'{result["num_frames"]} held-out frames, {result["codebook_size"]} codes'
      ' a level. Perplexity is a share of the codes; few frames bias it'
      ' down.\n\n' + table(header, rows)
  )


def _meaning(result: Mapping[str, Results]) -> str:
  columns = {
      'ids used': 'num_ids',
      'PNMI': 'pnmi',
      'by chance': 'pnmi_chance',
      'purity': 'purity',
      'commonest': 'majority',
      'labels': 'num_labels',
      'frames': 'num_frames',
  }
  rows = [
      [name, *(row[key] for key in columns.values())]
      for name, row in result.items()
  ]
  return (
      '## What frame ids say about labels\n\n'
      'PNMI: share of the uncertainty about a label that the id of its frame'
      ' removes; "by chance" is the same with the labels rotated against the'
      ' ids. Purity: share of frames whose label is the commonest of their'
      ' id; "commonest" is its floor.\n\n' + table(['ids', *columns], rows)
  )


def _abx(result: Mapping[str, Results]) -> str:
  columns = {
      'within': 'within',
      'across': 'across',
      'cells within': 'num_within',
      'cells across': 'num_across',
  }
  rows = [
      [name, *(row[key] for key in columns.values())]
      for name, row in result.items()
  ]
  return (
      '## ABX\n\n'
      'Share of triphones that lie nearer to another phone than to their like,'
      ' said by the same speaker and by another; 0.5 is chance. Cells are'
      ' combinations of phones, speaker and context.\n\n'
      + table(['features', *columns], rows)
  )


def _language_models(result: Mapping[str, Results]) -> str:
  rows = [
      [stage, name, losses['model'], losses['bigram'], losses['unigram']]
      + [losses['num_tokens']]
      for stage, evaluation in result.items()
      for name, losses in [
          ('all', evaluation['total']),
          *((f'{i}', x) for i, x in enumerate(evaluation['levels'], 1)),
      ]
  ]
  header = ['stage', 'level', 'model', 'bigram', 'unigram', 'tokens']
  return (
      '## Language models: validation loss, nats a token\n\n'
      'The n-grams are counted on the training split and know the quantizer'
      ' level; the bigram also reads the id before, as the model does.\n\n'
      + table(header, rows)
  )


def _generations(rows: Sequence[Results]) -> str:
  header = [
      'file',
      'prompt recognised',
      'correlation',
      'mel distance (dB)',
      'level (dBFS)',
      'over prompt (dB)',
      'repetition',
      'faults',
  ]
  faultless = sum(not row['continuation']['faults'] for row in rows)
  prompts = [row['prompt'] for row in rows if row['prompt']]
  recognised = sum(prompt['recognised'] for prompt in prompts)
  return (
      '## Generations\n\n'
      f'{faultless} of {len(rows)} without a fault; {recognised} of'
      f' {len(prompts)} prompts recognised.\n\n'
      + table(header, [_generation(row) for row in rows])
  )


def _generation(row: Results) -> list[Any]:
  prompt = row['prompt'] or {}
  continuation = row['continuation']
  return [
      row['file'],
      prompt.get('recognised'),
      prompt.get('correlation'),
      prompt.get('mel_distance'),
      continuation['level_dbfs'],
      continuation['relative_level_db'],
      continuation['repetition'],
      ', '.join(continuation['faults']) or 'none',
  ]


SECTIONS = {
    'inputs': _inputs,
    'reconstruction': _reconstruction,
    'codebooks': _codebooks,
    'meaning': _meaning,
    'abx': _abx,
    'language_models': _language_models,
    'generations': _generations,
}
