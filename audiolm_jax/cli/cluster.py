"""Fits the k-means that turns a model's features into semantic tokens.

Examples:
  audiolm cluster --model=runs/w2v_bert --manifest=corpus/manifest.jsonl \\
      --output_dir=runs/semantic_tokenizer
  audiolm cluster --model=imported_hubert --manifest=corpus/manifest.jsonl \\
      --output_dir=runs/semantic_tokenizer --layer=7 --num_clusters=1024 \\
      --hours=50

AudioLM takes block 7 of the masked-prediction half and 1024 clusters, after
normalizing every dimension of the features (s. III-B, IV-B). Writes a bundle of
the semantic tokenizer alone; `audiolm bundle` joins it with a codec.
"""

import pathlib
import time
from collections.abc import Iterator

import jax
import numpy as np
from absl import flags
from flax import linen as nn
from jaxtyping import Float, PyTree

from audiolm_jax import bundle_files, corpus, parts
from audiolm_jax.bundle import Bundle
from audiolm_jax.cli import compilation, folders, verb
from audiolm_jax.errors import UserError
from audiolm_jax.parts import Part
from audiolm_jax.training import checkpoints
from audiolm_jax.w2v_bert import kmeans

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model',
    None,
    'Folder of a training run of w2v-BERT, or what audiolm import wrote.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'manifest', None, 'Audio to cluster; may be a glob.', flag_values=FLAGS
)
flags.DEFINE_string('output_dir', None, 'Of the bundle.', flag_values=FLAGS)
flags.DEFINE_string('split', 'train', 'Of the manifest.', flag_values=FLAGS)
flags.DEFINE_integer(
    'layer',
    7,
    'Block whose output is clustered; of w2v-BERT, block of the'
    ' masked-prediction half, and 0 the contrastive half.',
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_clusters', 1024, 'Semantic ids.', lower_bound=1, flag_values=FLAGS
)
flags.DEFINE_float(
    'hours',
    10.0,
    'How much audio is drawn, at most all of it.',
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'crop_seconds',
    10.0,
    'Length of a crop.',
    lower_bound=0.1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'batch_size', 16, 'Crops at a time.', lower_bound=1, flag_values=FLAGS
)
flags.DEFINE_integer('seed', 0, 'Of the draws.', flag_values=FLAGS)


def main(argv: list[str]) -> None:
  if len(argv) > 1:
    raise UserError(f'{argv[1]!r} is not a flag; see audiolm cluster --help.')
  if not (FLAGS.model and FLAGS.manifest and FLAGS.output_dir):
    raise UserError('Give --model, --manifest and --output_dir.')
  folder = folders.writable(FLAGS.output_dir)
  compilation.keep_compiled()
  config, params = load(FLAGS.model)
  model = build(config)
  clusters = kmeans.fit(features(model, params), FLAGS.num_clusters, FLAGS.seed)
  part = Part(
      {**config, 'layer': FLAGS.layer},
      {'params': params, 'kmeans': clusters._asdict()},
  )
  bundle = Bundle({'semantic_tokenizer': part})
  bundle.save(folder, _CARD.format(name=folder.name))
  print(f'Wrote {folder}, fingerprint {bundle.semantic.fingerprint}.')


_CARD = '# {name}\n\nA semantic tokenizer; a part for `audiolm bundle`.\n'


def load(folder: str) -> tuple[dict, PyTree]:
  """Configuration and weights of the model whose features are clustered."""
  if (pathlib.Path(folder) / 'model.json').is_file():
    trained = checkpoints.load_params(folder)
    if trained.config['kind'] != 'w2v_bert':
      raise UserError(
          f'{folder} holds a {trained.config["kind"]}, not a w2v_bert.'
      )
    return trained.config, trained.params
  bundled = bundle_files.read(folder)
  if 'semantic_tokenizer' not in bundled:
    raise UserError(f'{folder} has no part semantic_tokenizer.')
  part = bundled['semantic_tokenizer']
  return part.config, part.arrays['params']


def build(config: dict) -> nn.Module:
  """The model, if it has the layer that was asked for."""
  model = parts.build(config)
  if FLAGS.layer > model.num_layers:
    raise UserError(
        f'--layer={FLAGS.layer}: {FLAGS.model} has only {model.num_layers}'
        ' blocks to choose from.'
    )
  return model


def features(
    model: nn.Module, params: PyTree
) -> Iterator[Float[np.ndarray, 'n D']]:
  """Features of random crops, without those of padding."""
  clips = corpus.read_manifest(FLAGS.manifest, FLAGS.split)
  hop = model.hop_length
  num_frames = max(round(FLAGS.crop_seconds * model.frame_rate), 1)
  batches = corpus.AudioBatches(
      clips,
      model.sample_rate,
      num_frames * hop / model.sample_rate,
      FLAGS.batch_size,
      FLAGS.seed,
  )
  seconds = min(FLAGS.hours * 3600, sum(clip.seconds for clip in clips))
  count = max(round(seconds / FLAGS.crop_seconds / FLAGS.batch_size), 1)

  @jax.jit
  def apply(params, batch):
    return model.apply(
        {'params': params},
        batch['waveform'],
        batch['length'],
        FLAGS.layer,
        method='features',
    )

  start = time.monotonic()
  for step in range(1, count + 1):
    batch = next(batches)
    valid = np.arange(num_frames)[None] * hop < batch['length'][:, None]
    yield np.asarray(apply(params, batch))[valid]
    elapsed = time.monotonic() - start
    if step % max(count // 20, 1) == 0:
      print(
          f'{step}/{count} batches, {elapsed * (count / step - 1):.0f} s left',
          flush=True,
      )


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
