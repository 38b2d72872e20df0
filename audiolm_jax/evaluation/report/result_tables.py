"""Tables of what is measured of tokenizers, models and generated folders."""

from collections.abc import Mapping, Sequence
from typing import Any

from audiolm_jax.evaluation.tables import Table

Results = Mapping[str, Any]


def tables(results: Results) -> list[Table]:
  """Tables of the sections that plain results (report.to_plain) have."""
  return [
      section(results[name])
      for name, section in SECTIONS.items()
      if results.get(name)
  ]


def _inputs(inputs: Results) -> Table:
  return Table('inputs', 'Inputs', '', ['what', 'which'], list(inputs.items()))


def _reconstruction(result: Results) -> Table:
  names = list(result['scores'])
  columns = [result['scores'][name] for name in names]
  units = [result['units'][name] for name in names]
  header = [f'{n} ({u})' if u else n for n, u in zip(names, units, strict=True)]
  rows = list(zip(result['levels'], *columns, strict=True))
  improves = ['improves at every level', *result['improves'].values()]
  return Table(
      'reconstruction',
      'Codec: reconstruction by quantizer levels kept',
      f'{result["num_clips"]} held-out clips, {result["seconds"]:.0f} s.',
      ['levels', *header],
      [*rows, improves],
  )


def _codebooks(result: Results) -> Table:
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
  return Table(
      'codebooks',
      'Codec: use of the codebooks',
      f'{result["num_frames"]} held-out frames, {result["codebook_size"]} codes'
      ' a level. Perplexity is a share of the codes; few frames bias it down.',
      header,
      list(rows),
  )


def _meaning(result: Mapping[str, Results]) -> Table:
  columns = {
      'ids used': 'num_ids',
      'PNMI': 'pnmi',
      'by chance': 'pnmi_chance',
      'purity': 'purity',
      'commonest': 'majority',
      'labels': 'num_labels',
      'frames': 'num_frames',
  }
  return Table(
      'meaning',
      'What frame ids say about labels',
      'PNMI: share of the uncertainty about a label that the id of its frame'
      ' removes; "by chance" is the same with the labels rotated against the'
      ' ids. Purity: share of frames whose label is the commonest of their'
      ' id; "commonest" is its floor.',
      ['ids', *columns],
      _picked(result, columns),
  )


def _abx(result: Mapping[str, Results]) -> Table:
  columns = {
      'within': 'within',
      'across': 'across',
      'cells within': 'num_within',
      'cells across': 'num_across',
  }
  return Table(
      'abx',
      'ABX',
      'Share of triphones that lie nearer to another phone than to their like,'
      ' said by the same speaker and by another; 0.5 is chance. Cells are'
      ' combinations of phones, speaker and context.',
      ['features', *columns],
      _picked(result, columns),
  )


def _picked(
    result: Mapping[str, Results], columns: Mapping[str, str]
) -> list[list[Any]]:
  return [
      [name, *(row[key] for key in columns.values())]
      for name, row in result.items()
  ]


def _language_models(result: Mapping[str, Results]) -> Table:
  rows = [
      [stage, name, losses['model'], losses['bigram'], losses['unigram']]
      + [losses['num_tokens']]
      for stage, evaluation in result.items()
      for name, losses in [
          ('all', evaluation['total']),
          *((f'{i}', x) for i, x in enumerate(evaluation['levels'], 1)),
      ]
  ]
  return Table(
      'language_models',
      'Language models: validation loss, nats a token',
      'The n-grams are counted on the training split and know the quantizer'
      ' level; the bigram also reads the id before, as the model does.',
      ['stage', 'level', 'model', 'bigram', 'unigram', 'tokens'],
      rows,
  )


def _generations(rows: Sequence[Results]) -> Table:
  header = [
      'file',
      'prompt recognised',
      'correlation',
      'mel distance (dB)',
      'level (dBFS)',
      'over prompt (dB)',
      'end over prompt (dB)',
      'repetition',
      'faults',
  ]
  faultless = sum(not row['continuation']['faults'] for row in rows)
  prompts = [row['prompt'] for row in rows if row['prompt']]
  recognised = sum(prompt['recognised'] for prompt in prompts)
  return Table(
      'generations',
      'Generations',
      f'{faultless} of {len(rows)} without a fault; {recognised} of'
      f' {len(prompts)} prompts recognised.',
      header,
      [_generation(row) for row in rows],
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
      continuation['end_level_db'],
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
