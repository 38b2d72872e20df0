"""The programs that a train step becomes, for a state that lies on a mesh."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
from jax.experimental import multihost_utils
from jaxtyping import PRNGKeyArray

from audiolm_jax.training import program_costs
from audiolm_jax.training.state import (
    Batch,
    Metrics,
    TrainState,
    TrainStep,
    Waveform,
)

# Calls a function with arguments where logical axis names mean something.
Run = Callable[..., Any]


class Compiled(NamedTuple):
  """A train step, laid out over the mesh.

  Attributes:
    init: () -> state.
    step: (state, batch, key) -> (state, metrics); the old state is donated.
    evaluate: (state, batch) -> metrics.
    waveforms: (state, batch) -> sounds.
    warnings: metrics -> what they say against the run.
    metrics: () -> names of what evaluate finds.
    flops: () -> of a step, over all devices; see program_costs.
    abstract: Shapes, dtypes and shardings of the state.
  """

  init: Callable[[], TrainState]
  step: Callable[[TrainState, Batch, PRNGKeyArray], tuple[TrainState, Metrics]]
  evaluate: Callable[[TrainState, Batch], Metrics]
  waveforms: Callable[[TrainState, Batch], Mapping[str, Waveform]]
  warnings: Callable[[Mapping[str, float]], list[str]]
  metrics: Callable[[], set[str]]
  flops: Callable[[], int]
  abstract: TrainState


def compiled(
    train_step: TrainStep,
    abstract: TrainState,
    batch: Batch,
    key: PRNGKeyArray,
    run: Run,
) -> Compiled:
  """Jits what a train loop calls.

  Args:
    train_step: The model and how it learns.
    abstract: Shapes, dtypes and shardings of its state.
    batch: A global batch, as init gets it.
    key: The key that init gets.
    run: Runs a function in the partitioner's context.
  """
  shardings = _shardings(abstract)
  # Every device makes its own piece of the state, which as a whole might fit on
  # none.
  init = jax.jit(train_step.init, out_shardings=shardings)
  step = jit_step(train_step, abstract)
  evaluate = jax.jit(
      train_step.evaluate,
      in_shardings=(shardings, None),
      out_shardings=shardings.step,
  )
  return Compiled(
      init=lambda: run(init, key, batch),
      step=lambda *args: run(step, *args),
      evaluate=lambda *args: run(evaluate, *args),
      waveforms=lambda *args: _waveforms(run, train_step, *args),
      warnings=train_step.warnings,
      metrics=lambda: set(
          run(jax.eval_shape, train_step.evaluate, abstract, batch)
      ),
      flops=lambda: program_costs.flops(
          run(step.trace, abstract, batch, key).jaxpr.jaxpr
      ),
      abstract=abstract,
  )


def jit_step(train_step: TrainStep, abstract: TrainState) -> jax.stages.Wrapped:
  """The step alone, with the state's shardings on both sides of it."""
  shardings = _shardings(abstract)
  return jax.jit(
      train_step.step,
      # Batches and keys come as they lie; `Partitioner.put` has laid them out.
      in_shardings=(shardings, None, None),
      # Metrics are the same everywhere, as the counter of the steps is.
      out_shardings=(shardings, shardings.step),
      # Two states at once would be the most that memory ever has to hold.
      donate_argnums=0,
  )


def _shardings(abstract: TrainState) -> TrainState:
  return jax.tree.map(lambda leaf: leaf.sharding, abstract)


def _waveforms(
    run: Run, train_step: TrainStep, state: TrainState, batch: Batch
) -> Mapping[str, Waveform]:
  state = state.replace(opt_state=())
  if jax.process_count() == 1:
    return run(train_step.waveforms, state, batch)
  # A model that makes sound reads its arrays, and no process has them whole.
  gathered = multihost_utils.process_allgather((state, batch), tiled=True)
  return train_step.waveforms(*gathered)
