"""Cost and gain of fewer bytes a weight, with a bundle's own stages.

  python -m bench.weights --model=speech --tokens=runs/small/speech/tokens

Each stage reads the beginnings of held-out clips id by id, as the sampler does,
once for each way to keep its matrices. One JSON object a line: mean -log p of
the target's ids in nats, how often the likeliest id is that of full weights,
and the bytes of the matrices.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags
from jaxtyping import Array, Float, Int

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.predictors import LanguageModel
from audiolm_jax.lm.sampling import network, weight_types
from audiolm_jax.lm.sampling.network import Cache, Weights
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens.layout import Codes
from audiolm_jax.tokens.store import store
from bench import models

MODEL = flags.DEFINE_string(
    'model', 'speech', 'Bundle whose weights are rounded.'
)
TOKENS = flags.DEFINE_string(
    'tokens', None, 'Token store of the bundle.', required=True
)
SPLIT = flags.DEFINE_string('split', 'test', 'Split of the store.')
CLIPS = flags.DEFINE_integer('clips', 32, 'Number of clips that are read.')
SECONDS = flags.DEFINE_float(
    'seconds', 3.0, 'Seconds of the beginning of each.'
)


@functools.partial(jax.jit, static_argnames='model')
def logits(
    model: Transformer,
    weights: Weights,
    inputs: Int[Array, 'B L'],
    positions: Int[Array, ' L'],
) -> Float[Array, 'B L V']:
  """Logits of the id behind each input, by steps of the sampler."""
  num_rows, length = inputs.shape
  shape = num_rows * model.num_heads, model.head_dim, length
  empty = [Cache(jnp.zeros(shape), jnp.zeros(shape)) for _ in weights.layers]

  def step(caches: list[Cache], place: Array) -> tuple[list[Cache], Array]:
    bias = network.distance_bias(
        weights, positions[place][None, None], positions[None]
    )[:, :, 0]
    bias = jnp.where(jnp.arange(length) <= place, bias, -jnp.inf)
    bias = jnp.broadcast_to(bias, (num_rows, *bias.shape[1:]))
    x, caches = network.step(
        model, weights, inputs[:, place], bias, caches, place
    )
    return caches, network.logits(x, weights.embedding)

  _, found = jax.lax.scan(step, empty, jnp.arange(length))
  return jnp.moveaxis(found, 0, 1)


def examples(
    lm: LanguageModel, clips: Sequence[Codes]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Ids, which of them count, and positions."""
  frames = lm.stage.frames(min(SECONDS.value, lm.crop_seconds))
  cut = [
      {source: clip[source][:count] for source, count in frames.items()}
      for clip in clips
  ]
  rows = [lm.stage.example(clip, frames, ends=False) for clip in cut]
  ids, counted, _ = map(np.stack, zip(*rows, strict=True))
  return ids, counted > 0, np.asarray(lm.stage.positions_for(frames))


def read_clips() -> list[Codes]:
  """Codes of recordings that are long enough."""
  records = [
      record
      for record in store.read(TOKENS.value, SPLIT.value)
      if len(record.semantic) and len(record.acoustic)
  ]
  # The longest, so that nothing is padding.
  records = sorted(records, key=lambda record: -len(record.semantic))
  return [
      {'semantic': record.semantic[:, None], 'acoustic': record.acoustic}
      for record in records[: CLIPS.value]
  ]


def measure(lm: LanguageModel, clips: Sequence[Codes], name: str) -> None:
  """A line for each way to keep the matrices."""
  ids, counted, positions = examples(lm, clips)
  inputs = np.pad(ids[:, :-1], ((0, 0), (1, 0)))
  likeliest = None
  for kind in weight_types.TYPES:
    weights = network.pack(lm.model, lm.params, kind)
    found = jax.nn.log_softmax(logits(lm.model, weights, inputs, positions))
    nats = -np.take_along_axis(np.asarray(found), ids[..., None], -1)[..., 0]
    best = np.asarray(found.argmax(axis=-1))
    likeliest = best if likeliest is None else likeliest
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(weights.layers))
    models.print_line(
        {
            'stage': name,
            'weights': kind,
            'ids': int(counted.sum()),
            'nats': float(nats[counted].mean()),
            'same_likeliest': float((best == likeliest)[counted].mean()),
            'megabytes': size / 1e6,
        }
    )


def main(_: list[str]) -> None:
  """Measures the stages of the bundle."""
  bundle, clips = Bundle.load(MODEL.value), read_clips()
  for name, lm in bundle.language_models.items():
    measure(lm, clips, name)


if __name__ == '__main__':
  app.run(main)
