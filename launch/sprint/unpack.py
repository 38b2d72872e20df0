"""Makes a bundle of one part of what a run on the GPU brought back.

Examples:
  python -m launch.sprint.unpack trained --model=runs/codec \\
      --output_dir=sharpened
  python -m launch.sprint.unpack trained --output_dir=storm

`audiolm bundle sharpened ...` takes it over, and training can start from it
(gin/finetune.gin). A decoder comes back alone: --model, from which it was
packed, gives the rest of the codec, so that its tokens stay the same.
"""

import pathlib
import sys

from absl import flags

from audiolm_jax import files
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.collecting import collect
from audiolm_jax.bundle.parts import Part
from audiolm_jax.cli import verb
from audiolm_jax.cli.card import model_card
from audiolm_jax.errors import UserError
from launch.sprint import folder
from launch.sprint.folder import Parcel

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model',
    None,
    'Training run or bundle that a decoder was packed from.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'output_dir', None, 'Where the bundle goes.', flag_values=FLAGS
)


def main(argv: list[str]) -> None:
  if len(argv) != 2 or not FLAGS.output_dir:
    raise UserError('Give the folder that the run wrote, and --output_dir.')
  parcel = folder.read(pathlib.Path(argv[1]))
  if 'step' not in parcel.contents:
    raise UserError(
        f'{argv[1]} is not trained yet; give the --out of launch.sprint.run.'
    )
  out = files.writable(FLAGS.output_dir)
  makers = {'decoder': _decoder, 'soundstorm': _soundstorm}
  bundle = Bundle(makers[parcel.contents['task']](parcel))
  bundle.save(out, model_card(out.name, bundle, ()))
  print(f'Wrote {out}, of step {parcel.contents["step"]}.')


def _decoder(parcel: Parcel) -> dict[str, Part]:
  if not FLAGS.model:
    raise UserError('Give the --model that the decoder was packed from.')
  name = 'acoustic_tokenizer'
  part = collect([FLAGS.model]).get(name)
  wanted = parcel.contents['fingerprint']
  if (
      not part
      or part.config != parcel.contents['config']
      or Bundle({name: part}).acoustic.fingerprint != wanted
  ):
    raise UserError(
        f'{FLAGS.model} is not the codec {wanted} that the decoder was packed'
        ' from.'
    )
  decoder = folder.weights_from_bytes(parcel.streams['weights'])
  params = {**part.arrays['params'], **decoder}
  return {name: Part(part.config, {**part.arrays, 'params': params})}


def _soundstorm(parcel: Parcel) -> dict[str, Part]:
  params = folder.weights_from_bytes(parcel.streams['weights'])
  return {'soundstorm': Part(parcel.contents['config'], {'params': params})}


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
