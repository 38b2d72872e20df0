"""State carried from step to step, and the contract that a model fulfils."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import flax.struct
import jax
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

Batch = Mapping[str, Any]
Metrics = dict[str, Array]

# Entries of a batch that all rows share: they have no axis of rows.
SHARED = frozenset({'positions'})

# Fields of modules that say how they compute, and flax's own.
_NOT_SIZES = {
    'dtype',
    'query_block',
    'scan_layers',
    'remat_policy',
    'parent',
    'name',
}


class TrainState(flax.struct.PyTreeNode):
  """Everything that a step changes; plain arrays, never flax boxes.

  Attributes:
    step: Number of steps taken, an int32 scalar.
    params: Parameters that the gradient moves.
    opt_state: The optimizer's own state.
    mutables: Variables moved by other rules (codebooks), {} if there are none.
  """

  step: Any
  params: PyTree
  opt_state: PyTree
  mutables: PyTree


class Waveform(NamedTuple):
  """Sound to listen to at an evaluation."""

  samples: Float[np.ndarray, 'B N']
  sample_rate: int


@runtime_checkable
class Hearing(Protocol):
  """Makes sound with a model that makes none alone, as the stages are."""

  def check(self, config: Mapping[str, Any]) -> None:
    """Raises a UserError if it could not, before the model is trained."""

  def __call__(
      self, config: Mapping[str, Any], params: PyTree
  ) -> Mapping[str, Waveform]:
    """Returns what to listen to, given a model's configuration."""


def heard(
    hearing: Hearing | None, config: Mapping[str, Any], state: TrainState
) -> Mapping[str, Waveform]:
  """Sound by the parameters that are evaluated; none without a hearing."""
  if hearing is None:
    return {}
  return hearing(config, state.mutables.get('ema', state.params))


@runtime_checkable
class TrainStep(Protocol):
  """The one contract between the train loop and a model.

  A model that makes no sound, or whose loss hides nothing, derives from it.
  """

  def variables(self, key: PRNGKeyArray, batch: Batch) -> dict[str, PyTree]:
    """Returns {'params', 'mutables'}, boxed where the model names its axes."""
    ...

  def init(self, key: PRNGKeyArray, batch: Batch) -> TrainState:
    """Returns the state before the first step."""
    ...

  def step(
      self, state: TrainState, batch: Batch, key: PRNGKeyArray
  ) -> tuple[TrainState, Metrics]:
    """Pure and jittable; its noise is fold_in(key, state.step)."""
    ...

  def evaluate(self, state: TrainState, batch: Batch) -> Metrics:
    """Pure, jittable, deterministic; 'weight' is what the means are over."""
    ...

  def waveforms(
      self, state: TrainState, batch: Batch
  ) -> Mapping[str, Waveform]:
    """Returns what to listen to, {} if the model makes no sound.

    The state comes without opt_state. Jit inside.
    """
    return {}

  def warnings(self, metrics: Mapping[str, float]) -> list[str]:
    """Objections of an evaluation to the run, a line each; [] if all is well.

    For what falling losses hide, such as codebooks of which one code is left.
    """
    return []

  def model_config(self) -> dict[str, Any]:
    """JSON that rebuilds the model; 'kind' says which family it is."""
    ...


def sizes(module: nn.Module) -> dict[str, Any]:
  """The fields that rebuild a module; how it computes is the machine's."""
  return {
      field.name: getattr(module, field.name)
      for field in dataclasses.fields(module)
      if field.name not in _NOT_SIZES
  }


def unbox(tree: PyTree) -> PyTree:
  """Takes arrays out of flax's boxes.

  Unlike flax.linen.unbox it applies no sharding constraint, so it is safe
  outside of jit and on donated arrays.
  """
  return jax.tree.map(
      lambda leaf: leaf.value if is_boxed(leaf) else leaf,
      tree,
      is_leaf=is_boxed,
  )


def is_boxed(leaf: Any) -> bool:
  """Says whether a leaf carries logical axis names."""
  return isinstance(leaf, nn.Partitioned)
