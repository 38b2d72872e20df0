"""The model card of a bundle: its parts, what it heard, its limits."""

import collections
from collections.abc import Iterable

import audiolm_jax
from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.parts import Part
from audiolm_jax.corpus import Clip
from audiolm_jax.evaluation import tables

_GENERATING = (
    'It continues any voice it is given and makes up what it says. Do not pass'
    ' its output off as a recording.'
)
_DETECTING = (
    'It knows what it was trained with. Its answer is a probability and no'
    ' proof.'
)
_HEARD = '## What it heard'


def model_card(
    name: str,
    bundle: Bundle,
    clips: Iterable[Clip],
    notes: str = '',
    origin: str = '',
) -> str:
  """Says what is in the bundle, and where it comes from.

  Args:
    name: Title of the card.
    bundle: The parts.
    clips: Clips that the parts were trained on.
    notes: Markdown that ends the card.
    origin: Markdown about the bundle that this one started from, if any.
  """
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
      _HEARD,
      _heard(clips) or 'Not recorded; do not pass this model on.',
      origin,
      '## Limits',
      _DETECTING if detects else _GENERATING,
      notes or '',
  ]
  return '\n\n'.join(section.rstrip() for section in sections if section) + '\n'


def origin(base: str, base_card: str, taken: Iterable[str]) -> str:
  """Says what a bundle was made from, and what that had heard.

  Args:
    base: Name of the bundle that it was made from.
    base_card: Its model card; what it heard, and what it was itself made from,
      stay word for word.
    taken: Parts that are as they were.
  """
  heard = base_card.partition(_HEARD)[2].partition('\n## Limits')[0].strip()
  return '\n\n'.join(
      [
          f'## What it was made from: {base}',
          f'Unchanged parts: {", ".join(taken) or "none"}. {base} heard:',
          heard or 'Not recorded; do not pass this model on.',
      ]
  )


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
