"""The programs of sampling: the prompts' pass, a longer cache, a scan of steps.

They are compiled for a number of rows and a length of the cache, not for a
length of prompts or of what is drawn: those two come in few sizes.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from audiolm_jax import executables
from audiolm_jax.lm.sampling import network
from audiolm_jax.lm.sampling.kv_cache import Cache
from audiolm_jax.lm.sampling.network import Weights
from audiolm_jax.lm.sampling.sample_step import (
    Program,
    State,
    Track,
    sample_step,
)
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens.fields import PAD


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
    # The last id has not been read. It is the first step's input, and its keys
    # go to the place of the id that is drawn from it.
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
  # Said outright, since XLA is free to move rows between devices where it only
  # knows how arrays lie.
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
  # Zeros, not what memory happens to hold: a hidden place has a weight of 0,
  # and 0 times NaN is NaN.
  more = length - caches[0].keys.shape[2]
  return jax.tree.map(
      lambda leaf: jnp.pad(leaf, ((0, 0), (0, 0), (0, more))), caches
  )


# The state is donated: the cache, larger than all else that changes, is written
# where it lies. Who calls must not read the old state again.
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
      state = sample_step(
          program, weights, state, track, place, noise, temperature
      )
      return state, state.token

    def pass_over(state: State, place: Array) -> tuple[State, Array]:
      del place
      return state, jnp.full(len(keys), PAD, jnp.int32)

    def visit(state: State, place: Array) -> tuple[State, Array]:
      wanted = (begin <= place) & (place < end)
      # These are the rows of this device. Devices need not agree on when to
      # stop, as no step sends anything from one to another.
      if program.ends:
        wanted &= ~state.done.all()
      # Rows are an axis of the arrays and not of a vmap, which would turn this
      # into a select that computes both.
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
