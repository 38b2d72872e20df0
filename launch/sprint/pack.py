"""Packs what a GPU shall learn for some minutes, as a folder that travels.

Examples:
  python -m launch.sprint.pack --task=decoder --model=runs/codec \\
      --manifest=corpus/manifest.jsonl --output_dir=sprint
  python -m launch.sprint.pack --task=soundstorm --tokens=tokens \\
      --num_layers=8 --embed_dim=384 --output_dir=sprint

The folder has files of at most 16 MiB, --max_mib together. The decoder task
takes a codec's weights and crops of audio, all speakers in turn; the soundstorm
task takes recordings of a token store. Both take as much as fits, and say how
many hours that is. The program comes along in code.zip: nothing else has to
travel.
"""

import json
import sys

from absl import flags

from audiolm_jax import corpus, files
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.collecting import collect
from audiolm_jax.bundle.parts import Part
from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError
from audiolm_jax.soundstream import networks
from launch.sprint import crops, folder, pack_tokens, sources
from launch.sprint.folder import MIB, Parcel

FLAGS = flags.FlagValues()
flags.DEFINE_enum(
    'task',
    None,
    ['decoder', 'soundstorm'],
    'Model that is trained: the decoder of a codec, or a SoundStorm.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'model',
    None,
    'Training run or bundle that is trained on; a SoundStorm without one starts'
    ' from scratch.',
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    'manifest',
    [],
    'Corpora that the decoder hears; their training splits are taken.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'tokens',
    None,
    'Token store that a SoundStorm learns; its training split is taken.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'output_dir', None, 'Where the folder goes.', flag_values=FLAGS
)
flags.DEFINE_float(
    'crop_seconds',
    None,
    'Length of the crops of audio (default 4), or of the longest windows of'
    ' tokens (default: those of the model, or 10).',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'bits',
    7,
    'Bits of a sample before compression: one less adds 6 dB of noise and a'
    ' quarter of the hours.',
    lower_bound=4,
    upper_bound=8,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'max_mib',
    folder.FOLDER_BYTES / MIB,
    'Largest size of the folder in MiB.',
    lower_bound=0,
    upper_bound=folder.FOLDER_BYTES / MIB,
    flag_values=FLAGS,
)
flags.DEFINE_integer('seed', 0, 'Seed of what is chosen.', flag_values=FLAGS)
for name in pack_tokens.SIZES:
  flags.DEFINE_integer(
      name,
      None,
      f'The {name} of a SoundStorm from scratch; replaces that of --model,'
      ' whose weights are then left behind.',
      lower_bound=1,
      flag_values=FLAGS,
  )


def main(argv: list[str]) -> None:
  if len(argv) > 1 or not FLAGS.task or not FLAGS.output_dir:
    raise UserError('Give --task and --output_dir, and no arguments.')
  out = files.writable(FLAGS.output_dir)
  max_bytes = int(FLAGS.max_mib * MIB)
  parcel = {'decoder': _decoder, 'soundstorm': _soundstorm}[FLAGS.task](
      max_bytes
  )
  folder.write(out, parcel, max_bytes=max_bytes)
  sources.write(out)
  paths = sorted(out.iterdir())
  size = sum(path.stat().st_size for path in paths)
  print(f'Wrote {out}: {len(paths)} files, {size / MIB:.1f} MiB.')


def _decoder(max_bytes: int) -> Parcel:
  if not FLAGS.model or not FLAGS.manifest:
    raise UserError('--task=decoder needs --model and --manifest.')
  part = _part('acoustic_tokenizer')
  if part.config['kind'] not in networks.KINDS:
    raise UserError(
        f'{FLAGS.model} is a {part.config["kind"]}, which is not trained here;'
        ' give a codec of this package.'
    )
  weights = folder.weights_to_bytes(part.arrays)
  clips = [
      clip
      for path in FLAGS.manifest
      for clip in corpus.read_manifest(path, 'train')
  ]
  seconds = FLAGS.crop_seconds or 4.0
  rate = part.config['sample_rate']
  found = crops.collect(
      crops.in_turn(clips, seconds, FLAGS.seed),
      rate,
      seconds,
      FLAGS.bits,
      folder.room([weights], max_bytes),
  )
  _tell(found.lengths.sum() / rate, sum(clip.seconds for clip in clips))
  contents = {
      'task': 'decoder',
      'config': part.config,
      'fingerprint': Bundle({'acoustic_tokenizer': part}).acoustic.fingerprint,
      'crop_samples': round(seconds * rate),
      'bits': FLAGS.bits,
      'lengths': found.lengths.tolist(),
  }
  return Parcel(contents, {'weights': weights, 'sounds': found.data})


def _soundstorm(max_bytes: int) -> Parcel:
  if not FLAGS.tokens:
    raise UserError('--task=soundstorm needs --tokens.')
  part = _part('soundstorm') if FLAGS.model else None
  wanted = {name: FLAGS[name].value for name in pack_tokens.SIZES}
  changes = {name: value for name, value in wanted.items() if value}
  config = pack_tokens.config(FLAGS.tokens, part, changes, FLAGS.crop_seconds)
  folder.check_weights(pack_tokens.shapes(config))
  streams = {}
  if part and not changes:
    streams['weights'] = folder.weights_to_bytes(part.arrays['params'])
  found = pack_tokens.collect(
      FLAGS.tokens, FLAGS.seed, folder.room(streams.values(), max_bytes)
  )
  _tell(found.seconds, found.seconds_in_all)
  streams['tokens'] = folder.to_bytes(found.packed.arrays)
  contents = {
      'task': 'soundstorm',
      'config': config,
      'sizes': found.packed.sizes._asdict(),
  }
  return Parcel(json.loads(json.dumps(contents)), streams)


def _part(name: str) -> Part:
  found = collect([FLAGS.model])
  if name not in found:
    raise UserError(f'{FLAGS.model} has no {name}; it has {", ".join(found)}.')
  return found[name]


def _tell(seconds: float, seconds_in_all: float) -> None:
  print(f'{seconds / 3600:.2f} of {seconds_in_all / 3600:.2f} hours fit.')


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
