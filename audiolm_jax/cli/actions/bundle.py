"""Writes a bundle, as the flags of `audiolm bundle` say."""

import collections
import pathlib
from collections.abc import Iterable, Sequence

from absl import flags

import audiolm_jax
from audiolm_jax import corpus, files
from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.collecting import collect
from audiolm_jax.bundle.parts import Part
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.generation.chain import Samplings
from audiolm_jax.lm.sampling.methods import Sampling

_GENERATING = (
    'It continues any voice it is given and makes up what it says. Do not pass'
    ' its output off as a recording.'
)
_DETECTING = (
    'It knows what it was trained with. Its answer is a probability and no'
    ' proof.'
)


def main(argv: list[str], values: flags.FlagValues) -> None:
  folder = files.writable(values.output_dir)
  notes = _read_notes(values.notes)
  bundle = Bundle(_warm(collect(argv[1:]), values.temperatures))
  clips = [
      clip
      for path in values.manifest
      for clip in corpus.read_manifest(path, 'train')
  ]
  card = model_card(folder.name, bundle, clips, notes)
  bundle.save(folder, card, values.float16, values.int8)
  # Rounded tokenizers may have ceased to fit.
  fingerprint = Bundle.load(folder).fingerprint
  print(f'Wrote {folder}, fingerprint {fingerprint}:')
  for path in sorted(folder.iterdir()):
    print(f'  {path} ({path.stat().st_size / 1e6:.1f} MB)')


def _read_notes(path: str | None) -> str:
  if not path:
    return ''
  try:
    return pathlib.Path(path).read_text(encoding='utf-8')
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f'Cannot read --notes={path}: {error}.') from error


def _warm(
    collected: dict[str, Part], temperatures: Sequence[str]
) -> dict[str, Part]:
  """The parts with the temperatures that --temperatures gives them."""
  warm = dict(collected)
  sampled = [name for name in Samplings._fields if name in collected]
  for text in temperatures:
    name, _, number = text.partition('=')
    try:
      temperature = float(number)
    except ValueError as error:
      raise UserError(f'--temperatures={text}: give part=number.') from error
    if name not in sampled:
      raise UserError(
          f'--temperatures={text}: {name} is none of {", ".join(sampled)}.'
      )
    Sampling(temperature).check()
    part = collected[name]
    config = part.config | {'temperature': temperature}
    warm[name] = part._replace(config=config)
  return warm


def model_card(
    name: str, bundle: Bundle, clips: Iterable[Clip], notes: str
) -> str:
  """Says what is in the bundle, and where it comes from."""
  detects = set(bundle.parts) == {'classifier'}
  verb_name = 'detect' if detects else 'generate'
  sections = [
      f'# {name}',
      'An AudioLM bundle made with audiolm_jax'
      f' {audiolm_jax.__version__}: `audiolm {verb_name} --model=FOLDER`.',
      '## Parts',
      tables.grid(
          ('part', 'parameters'),
          [
              (part, f'{_num_parameters(bundle.parts[part]):,}')
              for part in bundle.parts
          ],
      ),
      '## What it heard',
      _heard(clips) or 'Not recorded; do not pass this model on.',
      '## Limits',
      _DETECTING if detects else _GENERATING,
      notes or '',
  ]
  return '\n\n'.join(section.rstrip() for section in sections if section) + '\n'


def _num_parameters(part: Part) -> int:
  return sum(leaf.size for leaf in parts.flat(part.arrays).values())


def _heard(clips: Iterable[Clip]) -> str:
  seconds = collections.Counter()
  counts = collections.Counter()
  for clip in clips:
    key = (clip.source, clip.licence)
    seconds[key] += clip.seconds
    counts[key] += 1
  rows = [
      (*key, f'{counts[key]:,}', f'{seconds[key] / 3600:.2f}')
      for key in sorted(counts)
  ]
  header = ('source', 'licence', 'clips', 'hours')
  return tables.grid(header, rows) if rows else ''
