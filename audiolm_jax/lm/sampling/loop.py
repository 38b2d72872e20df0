"""The programs of sampling: the prompts' pass, a longer cache, a scan of steps.

They are compiled for a number of rows and a length of the cache, not for a
length of prompts or of what is drawn: those two come in few sizes.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from audiolm_jax import executables
from audiolm_jax.lm.sampling import network
from audiolm_jax.lm.sampling.methods import choose
from audiolm_jax.lm.sampling.network import Cache, Weights
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens.fields import EOS, PAD


class Track(NamedTuple):
  """The places of a batch, from the first of the prompts on.

  Attributes:
    positions: Positions of each place.
    valid: Where a row has an id or will have one.
    first: The first id that may be drawn at a place.
    may_end: Whether EOS may be drawn there, too.
  """

  positions: Int[Array, 'G S']
  valid: Bool[Array, 'B S']
  first: Int[Array, ' S']
  may_end: Bool[Array, ' S']


class Program(NamedTuple):
  """The settings that drawing is compiled for, besides shapes.

  Attributes:
    model: The sizes.
    num_candidates: Ids from `first` on that may be drawn.
    ends: Whether EOS may be drawn anywhere.
    top_k: As in Sampling.
    top_p: As in Sampling.
    growth: Places that the cache grew by, which may be drawn.
  """

  model: Transformer
  num_candidates: int
  ends: bool
  top_k: int
  top_p: float
  growth: int


class State(NamedTuple):
  """The state that a step hands to the next.

  Attributes:
    token: Last id of each row.
    done: Rows that have ended.
    caches: Caches of each layer.
  """

  token: Int[Array, ' B']
  done: Bool[Array, ' B']
  caches: list[Cache]


@executables.jit(static_argnames=('model', 'rows'))
def prefill(
    model: Transformer,
    weights: Weights,
    ids: Int[Array, 'B P'],
    valid: Bool[Array, 'B P'],
    positions: Int[Array, 'G P'],
    rows: NamedSharding | None,
) -> State:
  """Reads prompts; P is at least 1."""

  def run(
      weights: Weights, ids: Array, valid: Array, positions: Array
  ) -> State:
    # Shifted right: each input is the id before its place.
    inputs = jnp.pad(ids[:, :-1], ((0, 0), (1, 0)), constant_values=PAD)
    one = functools.partial(network.prefill, model, weights)
    read = _one_by_one(one) if len(positions) > 1 else one
    caches = read(inputs, valid, positions)
    return State(ids[:, -1], jnp.zeros(len(ids), bool), caches)

  return _on_each_device(run, rows, weights, ids, valid, positions)


def _one_by_one(prefill: Callable) -> Callable:
  """Biases of all rows at once would take more memory than all else."""

  def read(*args: Array) -> list[Cache]:
    caches = jax.lax.map(
        lambda row: prefill(*(values[None] for values in row)), args
    )
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), caches)

  return read


def _on_each_device(
    function: Callable,
    rows: NamedSharding | None,
    shared: PyTree,
    *args: PyTree,
) -> PyTree:
  """Calls a function; each device computes its rows of `args`, sends none."""
  if rows is not None:
    function = jax.shard_map(
        function,
        mesh=rows.mesh,
        in_specs=(PartitionSpec(), *[rows.spec] * len(args)),
        out_specs=rows.spec,
        check_vma=False,
    )
  return function(shared, *args)


@executables.jit(static_argnames=('length',))
def grow(caches: list[Cache], length: int) -> list[Cache]:
  """Appends empty places."""
  more = length - caches[0].keys.shape[2]
  return jax.tree.map(
      lambda leaf: jnp.pad(leaf, ((0, 0), (0, 0), (0, more))), caches
  )


@executables.jit(
    static_argnames=('program', 'rows'), donate_argnames=('state',)
)
def extend(
    program: Program,
    weights: Weights,
    state: State,
    track: Track,
    keys: Key[Array, ' B'],
    span: Int[Array, ' 3'],
    temperature: Float[Array, ''],
    rows: NamedSharding | None,
) -> tuple[State, Int[Array, 'B n']]:
  """Draws ids for places `span[0]` to `span[1]`.

  They are among the last `growth` places, whose ids are returned: PAD where
  nothing is drawn. Their noise is numbered from place `span[2]` on.
  """

  def run(
      shared: PyTree, state: State, positions: Array, valid: Array, keys: Array
  ) -> tuple[State, Array]:
    weights, (begin, end, first), temperature, first_ids, may_end = shared
    track = Track(positions, valid, first_ids, may_end)

    def advance(state: State, place: Array) -> tuple[State, Array]:
      # From the place itself, so that pieces of any length draw the same ids.
      noise = jax.vmap(jax.random.fold_in, (0, None))(keys, place - first)
      state = _step(program, weights, state, track, place, noise, temperature)
      return state, state.token

    def pass_over(state: State, place: Array) -> tuple[State, Array]:
      del place
      return state, jnp.full(len(keys), PAD, jnp.int32)

    def visit(state: State, place: Array) -> tuple[State, Array]:
      wanted = (begin <= place) & (place < end)
      if program.ends:
        wanted &= ~state.done.all()
      return jax.lax.cond(wanted, advance, pass_over, state, place)

    # One program draws any part of the last places: those of the others are
    # passed over, which costs next to nothing.
    length = valid.shape[1]
    places = jnp.arange(max(length - program.growth, 0), length)
    state, ids = jax.lax.scan(visit, state, places)
    return state, ids.T

  positions, valid, *candidates = track
  shared = weights, span, temperature, *candidates
  return _on_each_device(run, rows, shared, state, positions, valid, keys)


def _step(
    program: Program,
    weights: Weights,
    state: State,
    track: Track,
    place: Int[Array, ''],
    keys: Key[Array, ' B'],
    temperature: Float[Array, ''],
) -> State:
  """Draws the ids of one place."""
  query = jax.lax.dynamic_slice_in_dim(track.positions, place, 1, axis=1)
  bias = network.distance_bias(weights, query, track.positions)[:, :, 0]
  past = jnp.arange(track.valid.shape[1]) <= place
  bias = jnp.where((track.valid & past[None])[:, None], bias, -jnp.inf)
  x, caches = network.step(
      program.model, weights, state.token, bias, state.caches, place
  )
  # One table holds the ids of all fields; only those of the field whose turn it
  # is are scored.
  first, may_end = track.first[place], track.may_end[place]
  logits = _logits(program, weights, x, first, may_end)
  choice = choose(logits, keys, temperature, program.top_k, program.top_p)
  token = jnp.where(choice < program.num_candidates, first + choice, EOS)
  # A row that has ended goes on as PAD: all rows of a batch step together.
  token = jnp.where(state.done, PAD, token)
  return State(token, state.done | (token == EOS), caches)


def _logits(
    program: Program,
    weights: Weights,
    x: Float[Array, 'B D'],
    first: Int[Array, ''],
    may_end: Bool[Array, ''],
) -> Float[Array, 'B _']:
  """Logits of the ids from `first` on and, where rows may end, of EOS."""
  rows = jax.lax.dynamic_slice_in_dim(
      weights.embedding, first, program.num_candidates
  )
  logits = network.logits(x, rows)
  if not program.ends:
    return logits
  end = network.logits(x, weights.embedding[EOS : EOS + 1])
  end = jnp.where(may_end, end, -jnp.inf)
  return jnp.concatenate([logits, end], axis=1)
