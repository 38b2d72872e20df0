"""Takes over a public codec or speech model, as a part for `audiolm bundle`.

Examples:
  audiolm import --family=encodec --checkpoint=encodec_24khz --output_dir=codec
  audiolm import --family=hubert --checkpoint=hubert-base-ls960 --layer=9 \\
      --kmeans=hubert_base_ls960_L9_km500.bin --output_dir=hubert
  audiolm bundle codec hubert --output_dir=tokenizers

--checkpoint is a folder in the format of Hugging Face (config.json and
model.safetensors), or its .safetensors file. Families: encodec, dac, mimi are
codecs; hubert, wav2vec2 and w2v-bert-2.0 give features, which become semantic
tokens by --layer and --kmeans, a file of centroids (fairseq's, .npy or
.safetensors), or by `audiolm cluster` on what this writes.
"""

import json
import pathlib
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import flags
from flax import linen as nn
from jaxtyping import PyTree

from audiolm_jax import files
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.parts import Part
from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import checkpoint, fairseq_kmeans
from audiolm_jax.pretrained.families import FAMILIES, convert
from audiolm_jax.training.state import sizes

FLAGS = flags.FlagValues()
flags.DEFINE_enum(
    'family', None, list(FAMILIES), 'Which kind of model.', flag_values=FLAGS
)
flags.DEFINE_string(
    'checkpoint', None, 'Folder, or .safetensors file.', flag_values=FLAGS
)
flags.DEFINE_string(
    'output_dir', None, 'Folder that gets the bundle.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'layer',
    None,
    'Block whose output is clustered: 0 is what the first block gets.',
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'kmeans', None, 'Centroids of that layer.', flag_values=FLAGS
)

_CARD = """# {name}

{family}, taken over from {checkpoint}; its licence is that of its authors.
A part for `audiolm bundle`.
"""


def main(argv: list[str]) -> None:
  _check_flags(argv)
  folder = files.writable(FLAGS.output_dir)
  start = time.monotonic()
  model, params = convert(
      FLAGS.family, checkpoint.read(FLAGS.checkpoint), _preprocessor()
  )
  family = FAMILIES[FLAGS.family]
  config = {'kind': family.kind, **sizes(model)}
  arrays = {'params': params}
  if FLAGS.kmeans:
    config['layer'] = FLAGS.layer
    arrays['kmeans'] = _clusters(model, params)
  bundle = Bundle({family.part: Part(config, arrays)}, str(folder))
  card = _CARD.format(
      name=folder.name, family=FLAGS.family, checkpoint=FLAGS.checkpoint
  )
  bundle.save(folder, card)
  seconds = time.monotonic() - start
  print(f'Wrote {folder} in {seconds:.1f} s: {_describe(bundle, model)}.')


def _check_flags(argv: list[str]) -> None:
  if len(argv) > 1:
    raise UserError(f'{argv[1]!r} is not a flag; see audiolm import --help.')
  if not (FLAGS.family and FLAGS.checkpoint and FLAGS.output_dir):
    raise UserError('Give --family, --checkpoint and --output_dir.')
  if bool(FLAGS.kmeans) != (FLAGS.layer is not None):
    raise UserError('--kmeans and --layer belong together; give both.')
  is_codec = FAMILIES[FLAGS.family].part == 'acoustic_tokenizer'
  if FLAGS.kmeans and is_codec:
    raise UserError(f'{FLAGS.family} is a codec: it takes no --kmeans.')


def _preprocessor() -> Mapping[str, Any] | None:
  """The authors' preprocessing of the waveform, where they say so."""
  folder = pathlib.Path(FLAGS.checkpoint)
  folder = folder if folder.is_dir() else folder.parent
  path = folder / 'preprocessor_config.json'
  if not path.is_file():
    return None
  try:
    return json.loads(path.read_text(encoding='utf-8'))
  except ValueError as error:
    raise UserError(f'{path} is not JSON ({error}); copy it again.') from error


def _clusters(model: nn.Module, params: PyTree) -> dict[str, np.ndarray]:
  """As `audiolm cluster` would write them; these see features as they are."""
  if FLAGS.layer > model.num_layers:
    raise UserError(
        f'--layer={FLAGS.layer}: the model has only {model.num_layers} blocks.'
    )
  centroids = fairseq_kmeans.read(FLAGS.kmeans)
  width = centroids.shape[1]
  if width != model.embed_dim:
    raise UserError(
        f'{FLAGS.kmeans} has centroids of {width} dimensions, the features have'
        f' {model.embed_dim}; it is of another model.'
    )
  return {
      'mean': np.zeros(width, np.float32),
      'std': np.ones(width, np.float32),
      'centroids': centroids,
  }


def _describe(bundle: Bundle, model: nn.Module) -> str:
  rate = f'{model.sample_rate} Hz, {model.frame_rate:g} frames a second'
  if 'acoustic_tokenizer' in bundle.parts:
    size = f'{model.num_quantizers} levels of {model.codebook_size} codes'
    return f'{rate}, {size}, fingerprint {bundle.acoustic.fingerprint}'
  if not FLAGS.kmeans:
    return f'{rate}, {model.num_layers} blocks; now run audiolm cluster on it'
  semantic = bundle.semantic
  return f'{rate}, {semantic.codebook_size} ids, {semantic.fingerprint}'


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
