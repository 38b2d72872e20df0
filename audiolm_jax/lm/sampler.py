"""Draws ids from a Transformer: prefill, then a scan over a cache."""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from audiolm_jax.lm import decoder
from audiolm_jax.lm.decoder import Cache, Weights
from audiolm_jax.lm.sampling import Sampling, choose
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens.fields import EOS, PAD
from audiolm_jax.tokens.layout import Candidates, Prompt

# Places by which a cache grows: a step reads all of it, and every length is
# compiled. Prompts are padded to a multiple of the other for the same reason.
_GROWTH = 256
_PROMPT_MULTIPLE = 64


class Prompts(NamedTuple):
  """Prompts of a batch, moved to the right end of P places.

  Attributes:
    ids: What the samples follow.
    valid: Where a prompt's own ids are.
    positions: Of the prompts and of what is sampled, once if they are the same
      for all rows.
  """

  ids: Int[np.ndarray, 'B P']
  valid: Bool[np.ndarray, 'B P']
  positions: Int[np.ndarray, 'G L']


class State(NamedTuple):
  """What a step hands to the next.

  Attributes:
    token: Last id of each row.
    done: Rows that have ended.
    caches: Of each layer.
  """

  token: Int[Array, ' B']
  done: Bool[Array, ' B']
  caches: list[Cache]


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
  if (positions == positions[:1]).all():
    positions = positions[:1]
  return Prompts(np.stack(ids), np.stack(valid), positions)


def _padded(prompt: Prompt, amount: int) -> tuple[np.ndarray, ...]:
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
    sampling: Sampling = Sampling(),
) -> Int[np.ndarray, 'B S']:
  """Samples an id for each place of `candidates`, behind prompts.

  A row depends on its own prompt and key, not on the rest of the batch. Returns
  the ids; PAD after EOS, which ends a row where it may stand.
  """
  num_samples = len(candidates.first)
  pieces = draw_pieces(
      model, weights, prompts, candidates, keys, sampling, [num_samples]
  )
  return next(pieces, np.zeros((len(keys), 0), np.int32))


def draw_pieces(
    model: Transformer,
    weights: Weights,
    prompts: Prompts,
    candidates: Candidates,
    keys: Key[Array, ' B'],
    sampling: Sampling,
    sizes: Sequence[int],
    growth: int = _GROWTH,
) -> Iterator[Int[np.ndarray, 'B _']]:
  """What `sample` returns, in pieces of these sizes, each as soon as it is there.

  Args:
    model: The Transformer.
    weights: Its packed weights.
    prompts: What the ids follow; P may be 0.
    candidates: Which ids may stand at each sampled place.
    keys: One for each row.
    sampling: How ids are chosen.
    sizes: They add up to the number of places.
    growth: Places by which the cache grows.
  """
  num_prompt = prompts.ids.shape[1]
  end = num_prompt + len(candidates.first)
  room = -(-end // growth) * growth
  valid = np.pad(
      prompts.valid, ((0, 0), (0, room - num_prompt)), constant_values=True
  )
  positions = np.pad(prompts.positions, ((0, 0), (0, room - end)))
  state = _start(model, weights, prompts)
  place = num_prompt
  for size in sizes:
    pieces = []
    for stop in _stops(place, place + size, growth):
      length = -(-stop // growth) * growth
      state, ids = _extend(
          model,
          weights,
          state._replace(caches=_grow(state.caches, length)),
          positions[:, :length],
          valid[:, :length],
          candidates.first[place - num_prompt : stop - num_prompt],
          candidates.may_end[place - num_prompt : stop - num_prompt],
          keys,
          np.int32([place, place - num_prompt]),
          np.float32(sampling.temperature),
          num_candidates=candidates.size,
          ends=bool(candidates.may_end.any()),
          top_k=sampling.top_k,
          top_p=sampling.top_p,
      )
      pieces.append(np.asarray(ids))
      place = stop
    yield np.concatenate(pieces, axis=1)


def _stops(start: int, end: int, growth: int) -> list[int]:
  """Where the cache has to grow on the way, and the end."""
  first = (start // growth + 1) * growth
  return [*range(first, end, growth), end]


def _start(model: Transformer, weights: Weights, prompts: Prompts) -> State:
  rows, num_prompt = prompts.ids.shape
  if num_prompt:
    return _prefill(model, weights, *prompts)
  empty = jnp.zeros((rows * model.num_heads, model.head_dim, 0), model.dtype)
  caches = [Cache(empty, empty) for _ in weights.layers]
  return State(jnp.full(rows, PAD, jnp.int32), jnp.zeros(rows, bool), caches)


@functools.partial(jax.jit, static_argnames='model')
def _prefill(
    model: Transformer,
    weights: Weights,
    ids: Int[Array, 'B P'],
    valid: Bool[Array, 'B P'],
    positions: Int[Array, 'G L'],
) -> State:
  # Shifted right: each input is the id before its place.
  inputs = jnp.pad(ids[:, :-1], ((0, 0), (1, 0)), constant_values=PAD)
  positions = positions[:, : ids.shape[1]]
  if len(positions) == 1:
    caches = decoder.prefill(model, weights, inputs, valid, positions)
  else:
    # Biases of all rows at once would take more memory than all else.
    caches = jax.lax.map(
        lambda row: decoder.prefill(
            model, weights, *(values[None] for values in row)
        ),
        (inputs, valid, positions),
    )
    caches = jax.tree.map(
        lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), caches
    )
  return State(ids[:, -1], jnp.zeros(len(ids), bool), caches)


@functools.partial(jax.jit, static_argnames='length')
def _grow(caches: list[Cache], length: int) -> list[Cache]:
  """Appends empty places."""
  more = length - caches[0].keys.shape[2]
  return jax.tree.map(
      lambda leaf: jnp.pad(leaf, ((0, 0), (0, 0), (0, more))), caches
  )


@functools.partial(
    jax.jit,
    static_argnames=('model', 'num_candidates', 'ends', 'top_k', 'top_p'),
    donate_argnames='state',
)
def _extend(
    model: Transformer,
    weights: Weights,
    state: State,
    positions: Int[Array, 'G S'],
    valid: Bool[Array, 'B S'],
    first_ids: Int[Array, ' n'],
    may_end: Bool[Array, ' n'],
    keys: Key[Array, ' B'],
    start: Int[Array, ' 2'],
    temperature: Float[Array, ''],
    num_candidates: int,
    ends: bool,
    top_k: int,
    top_p: float,
) -> tuple[State, Int[Array, 'B n']]:
  """Samples n ids; `start` is the first one's place and its number."""
  places = jnp.arange(valid.shape[1])

  def step(
      state: State, now: tuple[Array, Array, Array]
  ) -> tuple[State, Int[Array, ' B']]:
    offset, first_id, may_end = now
    index, number = start + offset
    query = jax.lax.dynamic_slice_in_dim(positions, index, 1, axis=1)
    bias = decoder.distance_bias(weights, query, positions)[:, :, 0]
    visible = valid & (places <= index)[None]
    x, caches = decoder.step(
        model,
        weights,
        state.token,
        jnp.where(visible[:, None], bias, -jnp.inf),
        state.caches,
        index,
    )
    logits = _logits(
        weights, x, first_id, may_end if ends else None, num_candidates
    )
    noise_keys = jax.vmap(jax.random.fold_in, (0, None))(keys, number)
    choice = choose(logits, noise_keys, temperature, top_k, top_p)
    token = jnp.where(choice < num_candidates, first_id + choice, EOS)
    token = jnp.where(state.done, PAD, token)
    return State(token, state.done | (token == EOS), caches), token

  offsets = jnp.arange(len(first_ids))
  state, ids = jax.lax.scan(step, state, (offsets, first_ids, may_end))
  return state, ids.T


def _logits(
    weights: Weights,
    x: Float[Array, 'B D'],
    first_id: Int[Array, ''],
    may_end: Bool[Array, ''] | None,
    num_candidates: int,
) -> Float[Array, 'B _']:
  """Of the ids from `first_id` on and, where rows may end at all, of EOS."""
  rows = jax.lax.dynamic_slice_in_dim(
      weights.embedding, first_id, num_candidates
  )
  logits = decoder.logits(x, rows)
  if may_end is None:
    return logits
  end = decoder.logits(x, weights.embedding[EOS : EOS + 1])
  end = jnp.where(may_end, end, -jnp.inf)
  return jnp.concatenate([logits, end], axis=1)
