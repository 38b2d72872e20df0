"""Puts trained parts into one folder that needs nothing but itself.

Examples:
  audiolm bundle runs/soundstream runs/semantic_tokenizer \\
      --output_dir=tokenizers
  audiolm bundle tokenizers runs/semantic runs/coarse runs/fine \\
      runs/soundstorm --output_dir=my_model --manifest=corpus/manifest.jsonl

Each argument is the folder of a training run, or a bundle whose parts are taken
over; none is required. The parts must belong together: what predicts tokens is
refused beside tokenizers that did not write them. Extract tokens with the
bundle of the tokenizers, and the fingerprints will fit.

--manifest (may be repeated) lets MODEL_CARD.md say what the model heard, and
under which licences; a model that is passed on needs this.
"""

import collections
import pathlib
from collections.abc import Iterable, Mapping, Sequence

from absl import flags

import audiolm_jax
from audiolm_jax import corpus, files
from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.folder import HALVED, PARTS
from audiolm_jax.bundle.parts import Part
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.generation.chain import Samplings
from audiolm_jax.lm.sampling.methods import Sampling
from audiolm_jax.training.checkpoints import loading

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'output_dir', None, 'Where the bundle goes.', flag_values=FLAGS
)
flags.DEFINE_list(
    'float16',
    list(HALVED),
    'Parts that are stored in half the room. Rounding changes the tokens of'
    ' tokenizers: do it before extraction or not at all.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'int8',
    [],
    'Parts that are stored in a quarter of the room, with more rounding.',
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    'manifest',
    [],
    'Corpus whose training split the model heard.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'temperatures',
    [],
    'Temperatures that models are best sampled at, as part=number:'
    ' semantic=0.9,soundstorm=0.6. Others keep what they bring.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'notes', None, 'Text file that ends the model card.', flag_values=FLAGS
)

_GENERATING = (
    'It continues any voice it is given and makes up what it says. Do not pass'
    ' its output off as a recording.'
)
_DETECTING = (
    'It knows what it was trained with. Its answer is a probability and no'
    ' proof.'
)


def main(argv: list[str]) -> None:
  if not argv[1:] or not FLAGS.output_dir:
    raise UserError('Give the folders of the parts, and --output_dir.')
  folder = files.writable(FLAGS.output_dir)
  notes = _read_notes()
  bundle = Bundle(_warm(collect(argv[1:])))
  clips = [
      clip
      for path in FLAGS.manifest
      for clip in corpus.read_manifest(path, 'train')
  ]
  card = model_card(folder.name, bundle, clips, notes)
  bundle.save(folder, card, FLAGS.float16, FLAGS.int8)
  # Rounded tokenizers may have ceased to fit.
  fingerprint = Bundle.load(folder).fingerprint
  print(f'Wrote {folder}, fingerprint {fingerprint}:')
  for path in sorted(folder.iterdir()):
    print(f'  {path} ({path.stat().st_size / 1e6:.1f} MB)')


def _read_notes() -> str:
  for flag in ('float16', 'int8'):
    unknown = sorted(set(FLAGS[flag].value) - set(PARTS))
    if unknown:
      raise UserError(f'--{flag}={unknown[0]}: parts are {", ".join(PARTS)}.')
  if not FLAGS.notes:
    return ''
  try:
    return pathlib.Path(FLAGS.notes).read_text(encoding='utf-8')
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f'Cannot read --notes={FLAGS.notes}: {error}.') from error


def collect(sources: Sequence[str]) -> dict[str, Part]:
  """Parts of runs and of bundles, by name.

  Raises:
    UserError: Two folders hold the same part, or one holds none.
  """
  collected, origins = {}, {}
  for source in sources:
    for name, part in _parts_in(source).items():
      if name in collected:
        raise UserError(
            f'{origins[name]} and {source} are both {name}; leave one out.'
        )
      collected[name], origins[name] = part, source
  return collected


def _warm(collected: dict[str, Part]) -> dict[str, Part]:
  """The parts with the temperatures that the flag gives them."""
  warm = dict(collected)
  sampled = [name for name in Samplings._fields if name in collected]
  for text in FLAGS.temperatures:
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


def _parts_in(source: str) -> Mapping[str, Part]:
  if (pathlib.Path(source) / 'bundle.json').is_file():
    return Bundle.load(source).parts
  name, part = parts.from_checkpoint(loading.load_params(source))
  return {name: part}


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


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
