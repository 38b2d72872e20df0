"""Draws ids from a Transformer: prefill, then a scan over a cache."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding
from jaxtyping import Array, Bool, Int, Key

from audiolm_jax.lm.sampling import loop
from audiolm_jax.lm.sampling.kv_cache import Cache
from audiolm_jax.lm.sampling.methods import Sampling
from audiolm_jax.lm.sampling.network import Weights
from audiolm_jax.lm.sampling.sample_step import Program, State, Track
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens.fields import PAD
from audiolm_jax.tokens.sequence import Candidates, Prompt

# Places by which a cache grows: a step reads all of it, and every length is
# compiled. Prompts are padded to a multiple of the other for the same reason.
_GROWTH = 256
_PROMPT_MULTIPLE = 64


class Prompts(NamedTuple):
  """Prompts of a batch, moved to the right end of P places.

  Attributes:
    ids: Ids of the prompts, which the samples follow.
    valid: True at a prompt's own ids, False at padding.
    positions: Positions of the prompts and of what is sampled, once if they are
      the same for all rows.
  """

  ids: Int[np.ndarray, 'B P']
  valid: Bool[np.ndarray, 'B P']
  positions: Int[np.ndarray, 'G L']


def stack(
    prompts: Sequence[Prompt], multiple: int = _PROMPT_MULTIPLE
) -> Prompts:
  """Pads prompts on the left to one length, a multiple of `multiple`.

  So few lengths have to be compiled. Padding changes no distance, and nothing
  looks at it.
  """
  longest = max(len(prompt.ids) for prompt in prompts)
  length = -(-longest // multiple) * multiple
  ids, valid, positions = zip(
      *(_padded(prompt, length - len(prompt.ids)) for prompt in prompts),
      strict=True,
  )
  positions = np.stack(positions)
  # Biases are then made once, and prefill need not read row by row.
  if (positions == positions[:1]).all():
    positions = positions[:1]
  return Prompts(np.stack(ids), np.stack(valid), positions)


def _padded(prompt: Prompt, amount: int) -> tuple[np.ndarray, ...]:
  # Positions go on to the left, below zero: only distances are seen.
  before = np.arange(-amount, 0) + prompt.positions[0]
  return (
      np.pad(prompt.ids, (amount, 0), constant_values=PAD),
      np.pad(np.ones(len(prompt.ids), bool), (amount, 0)),
      np.concatenate([before, prompt.positions]).astype(np.int32),
  )


def sample(
    model: Transformer,
    weights: Weights,
    prompts: Prompts,
    candidates: Candidates,
    keys: Key[Array, ' B'],
    sampling: Sampling,
    rows: NamedSharding | None = None,
) -> Int[np.ndarray, 'B S']:
  """Samples an id for each place of `candidates`, behind prompts.

  A row depends on its own prompt and key, not on the rest of the batch. Returns
  the ids; PAD after EOS, which ends a row where it may stand.
  """
  sizes = [len(candidates.first)]
  args = model, weights, prompts, candidates, keys, sampling, sizes
  return next(draw_pieces(*args, rows=rows))


def draw_pieces(
    model: Transformer,
    weights: Weights,
    prompts: Prompts,
    candidates: Candidates,
    keys: Key[Array, ' B'],
    sampling: Sampling,
    sizes: Sequence[int],
    growth: int = _GROWTH,
    rows: NamedSharding | None = None,
) -> Iterator[Int[np.ndarray, 'B _']]:
  """Yields what `sample` returns, in pieces, each as soon as it is there.

  Args:
    model: The Transformer.
    weights: Its packed weights.
    prompts: Prompts that the sampled ids follow; P may be 0.
    candidates: Ids that may stand at each sampled place.
    keys: One for each row.
    sampling: Settings that ids are drawn with: temperature, top_k and top_p.
    sizes: Sizes of the pieces; they add up to the number of places.
    growth: Places by which the cache grows.
    rows: Spreads rows over the devices of a mesh, whose number has to divide
      B; the weights have to be on all of them.
  """
  program = _program(model, candidates, sampling, growth)
  if rows is not None:
    prompts, keys = _spread(prompts, keys, rows)
  track = _track(prompts, candidates, growth)
  state = _start(model, weights, prompts, rows)
  # `first` stays where it is. Noise is numbered from it, so that neither how
  # far prompts are padded nor how pieces are cut changes an id.
  start = first = prompts.ids.shape[1]
  for size in sizes:
    piece = np.full((len(keys), size), PAD, np.int32)
    for begin, end, length in _stretches(start, start + size, growth):
      # To look at `done` is to wait for the device; most stages never end.
      if program.ends and np.asarray(state.done).all():
        break
      # All arguments are as long as the cache, so that one program serves each
      # stretch between two growths, wherever in it a piece begins or ends.
      state, ids = loop.extend(
          program,
          weights,
          state._replace(caches=loop.grow(state.caches, length)),
          Track(*(values[..., :length] for values in track)),
          keys,
          np.int32([begin, end, first]),
          np.float32(sampling.temperature),
          rows,
      )
      # What came back is the last `growth` places of the cache, of which this
      # piece may be a part.
      first_drawn = length - ids.shape[1]
      piece[:, begin - start : end - start] = np.asarray(ids)[
          :, begin - first_drawn : end - first_drawn
      ]
    start += size
    yield piece


def _program(
    model: Transformer, candidates: Candidates, sampling: Sampling, growth: int
) -> Program:
  return Program(
      model,
      candidates.size,
      bool(candidates.may_end.any()),
      sampling.top_k,
      sampling.top_p,
      growth,
  )


def _spread(
    prompts: Prompts, keys: Key[Array, ' B'], rows: NamedSharding
) -> tuple[Prompts, Key[Array, ' B']]:
  """Positions of all rows become one copy for each device."""
  if len(prompts.positions) == 1:
    num_devices = len(keys) // rows.shard_shape(keys.shape)[0]
    positions = prompts.positions.repeat(num_devices, axis=0)
    prompts = prompts._replace(positions=positions)
  return prompts, jax.device_put(keys, rows)


def _track(prompts: Prompts, candidates: Candidates, growth: int) -> Track:
  num_prompt, num_samples = prompts.ids.shape[1], len(candidates.first)
  # What lies ahead counts as valid from the start: a step hides it until its
  # place is reached. Places behind the last are never reached.
  after = -(num_prompt + num_samples) % growth
  return Track(
      np.pad(prompts.positions, ((0, 0), (0, after))),
      np.pad(
          prompts.valid,
          ((0, 0), (0, num_samples + after)),
          constant_values=True,
      ),
      np.pad(candidates.first, (num_prompt, after)),
      np.pad(candidates.may_end, (num_prompt, after)),
  )


def _stretches(
    start: int, stop: int, growth: int
) -> Iterator[tuple[int, int, int]]:
  """Cuts places where the cache has to grow: begin, end, its length."""
  while start < stop:
    length = (start // growth + 1) * growth
    yield start, min(length, stop), length
    start = length


def _start(
    model: Transformer,
    weights: Weights,
    prompts: Prompts,
    rows: NamedSharding | None,
) -> State:
  num_rows, num_prompt = prompts.ids.shape
  if num_prompt:
    positions = prompts.positions[:, :num_prompt]
    return loop.prefill(
        model, weights, prompts.ids, prompts.valid, positions, rows
    )
  # Nothing has been read. The PAD that `shift right` puts first is the first
  # step's input.
  shape = num_rows * model.num_heads, model.head_dim, 0
  caches = [
      Cache(jnp.zeros(shape, model.dtype), jnp.zeros(shape, model.dtype))
      for _ in weights.layers
  ]
  token = jnp.full(num_rows, PAD, jnp.int32)
  state = State(token, jnp.zeros(num_rows, bool), caches)
  return state if rows is None else jax.device_put(state, rows)
