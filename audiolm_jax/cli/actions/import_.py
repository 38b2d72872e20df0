"""Takes over a public model, as the flags of `audiolm import` say."""

import json
import pathlib
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import flags
from flax import linen as nn

from audiolm_jax import files
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.parts import Part
from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import checkpoint, fairseq_kmeans
from audiolm_jax.pretrained.families import FAMILIES
from audiolm_jax.pretrained.modules import convert
from audiolm_jax.training.state import sizes

_CARD = """# {name}

{family}, taken over from {checkpoint}; its licence is that of its authors.
A part for `audiolm bundle`.
"""


def main(values: flags.FlagValues) -> None:
  folder = files.writable(values.output_dir)
  start = time.monotonic()
  model, params = convert(
      values.family,
      checkpoint.read(values.checkpoint),
      _preprocessor(values.checkpoint),
  )
  family = FAMILIES[values.family]
  config = {'kind': family.kind, **sizes(model)}
  arrays = {'params': params}
  if values.kmeans:
    config['layer'] = values.layer
    arrays['kmeans'] = _clusters(values, model)
  bundle = Bundle({family.part: Part(config, arrays)}, str(folder))
  card = _CARD.format(
      name=folder.name, family=values.family, checkpoint=values.checkpoint
  )
  bundle.save(folder, card)
  seconds = time.monotonic() - start
  print(f'Wrote {folder} in {seconds:.1f} s: {_describe(bundle, model)}.')


def _preprocessor(checkpoint_path: str) -> Mapping[str, Any] | None:
  """The authors' preprocessing of the waveform, where they say so."""
  folder = pathlib.Path(checkpoint_path)
  folder = folder if folder.is_dir() else folder.parent
  path = folder / 'preprocessor_config.json'
  if not path.is_file():
    return None
  try:
    return json.loads(path.read_text(encoding='utf-8'))
  except ValueError as error:
    raise UserError(f'{path} is not JSON ({error}); copy it again.') from error


def _clusters(
    values: flags.FlagValues, model: nn.Module
) -> dict[str, np.ndarray]:
  """Arrays as `audiolm cluster` would write them; features are not scaled."""
  if values.layer > model.num_layers:
    raise UserError(
        f'--layer={values.layer}: the model has only {model.num_layers} blocks.'
    )
  centroids = fairseq_kmeans.read(values.kmeans)
  width = centroids.shape[1]
  if width != model.embed_dim:
    raise UserError(
        f'{values.kmeans} has centroids of {width} dimensions, the features'
        f' have {model.embed_dim}; it is of another model.'
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
  if 'kmeans' not in bundle.parts['semantic_tokenizer'].arrays:
    return f'{rate}, {model.num_layers} blocks; now run audiolm cluster on it'
  semantic = bundle.semantic
  return f'{rate}, {semantic.codebook_size} ids, {semantic.fingerprint}'
