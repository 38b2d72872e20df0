"""Compares layers, as the flags of `audiolm choose-layer` say."""

import json
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from absl import flags
from jaxtyping import Float

from audiolm_jax import corpus, files
from audiolm_jax.cli import compilation, features
from audiolm_jax.cli.actions import cluster
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


class HeldOut(NamedTuple):
  """Clips that no clustering was fit on, and what is annotated in each."""

  loaded: LoadedClips
  spoken: list[Speech]


def main(values: flags.FlagValues) -> None:
  if values.plots:
    plots.check_installed()
  sizes = _numbers(values, 'num_clusters', 1)
  folder = files.writable(values.output_dir)
  compilation.keep_compiled()
  source = features.load(values.model)
  compared = _numbers(values, 'layers', 0) or range(source.model.num_layers + 1)
  for layer in compared:
    features.check_layer(source, layer, '--layers')
  held_out = _held_out(values, source)
  found, chosen = [], None
  for layer in compared:
    scores, fitted = _compare(values, source, layer, sizes, held_out)
    found += scores
    if layers.best(found).layer == layer:
      chosen = fitted[scores.index(layers.best(found))]
    _write_comparison(folder, found, values.plots)
  best = layers.best(found)
  cluster.write(
      folder, source, best.layer, chosen, _card(folder.name, best, found)
  )


def _compare(
    values: flags.FlagValues,
    source: Source,
    layer: int,
    sizes: Sequence[int],
    held_out: HeldOut,
) -> tuple[list[Score], list[KMeans]]:
  """Fits each number of clusters to one layer and scores them."""
  print(f'Layer {layer}', flush=True)
  frames = np.concatenate(list(features.draw(source, layer, values)))
  fitted = [
      kmeans.fit([frames], size, values.seed, num_first=len(frames))
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


def _held_out(values: flags.FlagValues, source: Source) -> HeldOut:
  split = corpus.read_manifest(values.manifest, values.labelled_split)
  labelled = [clip for clip in split if clip.labels]
  if not labelled:
    raise UserError(
        f'No clip of split {values.labelled_split} has labels; add some to'
        ' --manifest (python -m data.shipped.phones makes them).'
    )
  chosen = clips.choose(labelled, values.num_labelled_clips)
  spoken = [
      Speech(labels.read(clip.labels), clip.speaker or clip.source, clip.source)
      for clip in chosen
  ]
  loaded = clips.load(
      chosen,
      source.model.sample_rate,
      values.labelled_seconds,
      source.model.hop_length,
  )
  return HeldOut(loaded, spoken)


def _numbers(values: flags.FlagValues, name: str, smallest: int) -> list[int]:
  given = values[name].value
  found = [int(value) for value in given if value.isdecimal()]
  if len(found) < len(given) or min(found, default=smallest) < smallest:
    raise UserError(
        f'--{name}={",".join(given)}: give whole numbers from {smallest} on,'
        ' with commas between them.'
    )
  return found


def _write_comparison(
    folder: pathlib.Path, found: Sequence[Score], draws: bool
) -> None:
  plain = report.to_plain(list(found))
  (folder / 'layers.json').write_text(json.dumps(plain, indent=2) + '\n')
  if draws:
    plots.layers(found, folder / 'layers.png')


def _card(name: str, best: Score, found: Sequence[Score]) -> str:
  return (
      f'# {name}\n\nA semantic tokenizer; a part for `audiolm bundle`. Layer'
      f' {best.layer} and {best.num_clusters} clusters were chosen by'
      ' `audiolm choose-layer`, for the smallest ABX error of the centroids'
      ' (notes: the largest PNMI above chance):\n\n' + layers.table(found)
  )
