"""Compares the layers of a model as sources of semantic tokens; takes the best.

Examples:
  audiolm choose-layer --model=runs/w2v_bert \\
      --manifest='corpora/speech/*.jsonl' --output_dir=runs/semantic_tokenizer
  audiolm choose-layer --model=imported_hubert --layers=6,7,8,9 \\
      --num_clusters=500,1024 --manifest='corpora/speech/*.jsonl' \\
      --output_dir=runs/semantic_tokenizer

For every layer and every number of clusters it fits k-means on random crops,
and measures on held-out clips with labels how well the ids tell phones or notes
apart: ABX within and across speakers, PNMI (AudioLM s. IV-B, where block 7 and
1024 clusters won). python -m data.shipped.phones makes clips with phone times
of several speakers. The best is written as a bundle of the semantic tokenizer,
with the table in its card, layers.json and layers.png.
"""

import json
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from absl import flags
from jaxtyping import Float

from audiolm_jax import corpus, files
from audiolm_jax.cli import cluster, compilation, features, verb
from audiolm_jax.cli.features import Source
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.metrics import labels, layers
from audiolm_jax.evaluation.metrics.layers import Score
from audiolm_jax.evaluation.metrics.triphones import Speech
from audiolm_jax.evaluation.report import plots, report
from audiolm_jax.evaluation.subjects import clips
from audiolm_jax.evaluation.subjects.clips import LoadedClips
from audiolm_jax.nn import kmeans
from audiolm_jax.nn.kmeans import KMeans

FLAGS = flags.FlagValues()
features.define_flags(FLAGS, hours=2.0)
flags.DEFINE_string(
    'output_dir',
    None,
    'Folder that gets the bundle and the comparison.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'layers',
    [],
    'Layers to compare, as 6,7,8; all of them if none is named.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'num_clusters',
    ['1024'],
    'Numbers of clusters to compare, as 512,1024.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'labelled_split',
    'dev',
    'Split of the manifest whose clips with labels the layers are compared on.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_labelled_clips',
    120,
    'Labelled clips, at most.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'labelled_seconds', 20.0, 'Read of each of them.', flag_values=FLAGS
)
flags.DEFINE_bool('plots', True, 'Draw layers.png.', flag_values=FLAGS)


class HeldOut(NamedTuple):
  """Clips that no clustering was fit on, and what is annotated in each."""

  loaded: LoadedClips
  spoken: list[Speech]


def main(argv: list[str]) -> None:
  _check_flags(argv)
  sizes = _numbers('num_clusters', 1)
  folder = files.writable(FLAGS.output_dir)
  compilation.keep_compiled()
  source = features.load(FLAGS.model)
  compared = _numbers('layers', 0) or range(source.model.num_layers + 1)
  for layer in compared:
    features.check_layer(source, layer, '--layers')
  held_out = _held_out(source)
  found, chosen = [], None
  for layer in compared:
    scores, fitted = _compare(source, layer, sizes, held_out)
    found += scores
    if layers.best(found).layer == layer:
      chosen = fitted[scores.index(layers.best(found))]
    _write_comparison(folder, found)
  best = layers.best(found)
  cluster.write(
      folder, source, best.layer, chosen, _card(folder.name, best, found)
  )


def _check_flags(argv: list[str]) -> None:
  if len(argv) > 1:
    raise UserError(
        f'{argv[1]!r} is not a flag; see audiolm choose-layer --help.'
    )
  if not (FLAGS.model and FLAGS.manifest and FLAGS.output_dir):
    raise UserError('Give --model, --manifest and --output_dir.')
  if not FLAGS.num_clusters:
    raise UserError('--num_clusters is empty; give one or more, as 512,1024.')
  if FLAGS.plots:
    plots.check_installed()


def _compare(
    source: Source, layer: int, sizes: Sequence[int], held_out: HeldOut
) -> tuple[list[Score], list[KMeans]]:
  """Fits each number of clusters to one layer and scores them."""
  print(f'Layer {layer}', flush=True)
  frames = np.concatenate(list(features.draw(source, layer, FLAGS)))
  fitted = [
      kmeans.fit([frames], size, FLAGS.seed, num_first=len(frames))
      for size in sizes
  ]
  frame_seconds = source.model.hop_length / source.model.sample_rate
  heard = _hear(source, layer, held_out.loaded)
  scores = layers.scores(layer, heard, held_out.spoken, fitted, frame_seconds)
  return scores, fitted


def _hear(
    source: Source, layer: int, loaded: LoadedClips
) -> list[Float[np.ndarray, '_ D']]:
  found = clips.in_batches(
      f'Layer {layer}',
      lambda *batch: features.apply(source.model, layer, source.params, *batch),
      loaded.waveforms,
      loaded.lengths,
  )
  return loaded.frames(found, source.model.hop_length)


def _held_out(source: Source) -> HeldOut:
  split = corpus.read_manifest(FLAGS.manifest, FLAGS.labelled_split)
  labelled = [clip for clip in split if clip.labels]
  if not labelled:
    raise UserError(
        f'No clip of split {FLAGS.labelled_split} has labels; add some to'
        ' --manifest (python -m data.shipped.phones makes them).'
    )
  chosen = clips.choose(labelled, FLAGS.num_labelled_clips)
  spoken = [
      Speech(labels.read(clip.labels), clip.speaker or clip.source, clip.source)
      for clip in chosen
  ]
  loaded = clips.load(
      chosen,
      source.model.sample_rate,
      FLAGS.labelled_seconds,
      source.model.hop_length,
  )
  return HeldOut(loaded, spoken)


def _numbers(name: str, smallest: int) -> list[int]:
  given = FLAGS[name].value
  found = [int(value) for value in given if value.isdecimal()]
  if len(found) < len(given) or min(found, default=smallest) < smallest:
    raise UserError(
        f'--{name}={",".join(given)}: give whole numbers from {smallest} on,'
        ' with commas between them.'
    )
  return found


def _write_comparison(folder: pathlib.Path, found: Sequence[Score]) -> None:
  plain = report.to_plain(list(found))
  (folder / 'layers.json').write_text(json.dumps(plain, indent=2) + '\n')
  if FLAGS.plots:
    plots.layers(found, folder / 'layers.png')


def _card(name: str, best: Score, found: Sequence[Score]) -> str:
  return (
      f'# {name}\n\nA semantic tokenizer; a part for `audiolm bundle`. Layer'
      f' {best.layer} and {best.num_clusters} clusters were chosen by'
      ' `audiolm choose-layer`, for the smallest ABX error of the centroids'
      ' (notes: the largest PNMI above chance):\n\n' + layers.table(found)
  )


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
