"""Recordings of a token store that travel, and the SoundStorm for them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from audiolm_jax.bundle import parts
from audiolm_jax.bundle.parts import Part
from audiolm_jax.errors import UserError
from audiolm_jax.soundstorm.model import SoundStorm
from audiolm_jax.soundstorm.stage import soundstorm
from audiolm_jax.tokens import frames
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.store import store
from audiolm_jax.training.state import sizes as sizes_of
from launch.sprint import codes, folder
from launch.sprint.codes import Packed

# Sizes that may differ from the model's.
SIZES = ('num_layers', 'embed_dim', 'num_heads', 'mlp_dim')


class Found(NamedTuple):
  """Recordings that fit, and their seconds beside those of all."""

  packed: Packed
  seconds: float
  seconds_in_all: float


def config(
    token_dir: str,
    part: Part | None,
    changes: Mapping[str, int],
    crop_seconds: float | None,
) -> dict[str, Any]:
  """Configuration of a SoundStorm: a model's or the paper's, with changes.

  Raises:
    UserError: The model learnt other tokens than those of the store.
  """
  sizes = store.sizes(token_dir)
  stage = soundstorm(sizes)
  model = SoundStorm(
      semantic_codebook_size=sizes.semantic_codebook_size,
      semantic_per_frame=frames.semantic_per_frame(stage),
      codebook_size=sizes.acoustic_codebook_size,
      num_quantizers=sizes.num_quantizers,
  )
  fresh = {
      'kind': 'soundstorm',
      **sizes_of(model),
      'stage': stage.to_config(),
      'crop_seconds': 10.0,
      'tokenizers': store.fingerprints(token_dir),
  }
  if part:
    store.check_fingerprints(token_dir, part.config.get('tokenizers', {}))
    fresh |= {
        name: value
        for name, value in part.config.items()
        if value not in (None, {})
    }
  changed = {**fresh, **changes}
  if changed['embed_dim'] % changed['num_heads']:
    raise UserError(
        f'embed_dim {changed["embed_dim"]} is not a multiple of num_heads'
        f' {changed["num_heads"]}.'
    )
  return {**changed, 'crop_seconds': crop_seconds or changed['crop_seconds']}


def shapes(config: Mapping[str, Any]) -> PyTree:
  """Shapes of the SoundStorm's weights."""
  model = parts.build(config)
  ids = jnp.zeros((1, 1), jnp.int32)
  levels = jnp.zeros((1, 1, model.num_quantizers), jnp.int32)
  made = jax.eval_shape(
      model.init, jax.random.key(0), ids, levels, ids[0], ids[0]
  )
  return made['params']


def collect(token_dir: str, seed: int, max_bytes: int) -> Found:
  """Recordings of the training split at random, as many as fit."""
  sizes = store.sizes(token_dir)
  records = list(store.read(token_dir, 'train'))
  order = np.random.default_rng(seed).permutation(len(records))
  recordings, seconds = [], 0.0
  for record in (records[index] for index in order):
    found = {SEMANTIC: record.semantic[:, None], ACOUSTIC: record.acoustic}
    max_bytes -= codes.cost(found, sizes)
    if max_bytes < 0:
      break
    recordings.append(found)
    seconds += record.seconds
  folder.check_filled(len(recordings))
  in_all = sum(record.seconds for record in records)
  return Found(codes.pack(recordings, sizes), seconds, in_all)
