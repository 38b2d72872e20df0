"""Fits k-means, as the flags of `audiolm cluster` say."""

import pathlib

from absl import flags

from audiolm_jax import files
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.parts import Part
from audiolm_jax.cli import compilation, features
from audiolm_jax.cli.features import Source
from audiolm_jax.nn import kmeans
from audiolm_jax.nn.kmeans import KMeans


def main(values: flags.FlagValues) -> None:
  folder = files.writable(values.output_dir)
  compilation.keep_compiled()
  source = features.load(values.model)
  features.check_layer(source, values.layer, '--layer')
  frames = features.draw(source, values.layer, values)
  clusters = kmeans.fit(frames, values.num_clusters, values.seed)
  write(folder, source, values.layer, clusters, _CARD.format(name=folder.name))


_CARD = '# {name}\n\nA semantic tokenizer; a part for `audiolm bundle`.\n'


def write(
    folder: pathlib.Path,
    source: Source,
    layer: int,
    clusters: KMeans,
    model_card: str,
) -> None:
  """Writes the bundle of a semantic tokenizer alone."""
  part = Part(
      {**source.config, 'layer': layer},
      {'params': source.params, 'kmeans': clusters._asdict()},
  )
  bundle = Bundle({'semantic_tokenizer': part})
  bundle.save(folder, model_card)
  print(f'Wrote {folder}, fingerprint {bundle.semantic.fingerprint}.')
