"""A training run planned on devices that need not be there.

State and shardings come from the Partitioner that a real run uses, so they are
exact, and what it refuses is refused here. Activations are estimated from the
step's own program. Nothing is allocated and nothing is compiled.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
from jaxtyping import PyTree

from audiolm_jax.training import program_costs, shardings
from audiolm_jax.training.data import TrainData, open_data, peek
from audiolm_jax.training.devices import Device
from audiolm_jax.training.partitioning import Partitioner
from audiolm_jax.training.state import SHARED, Batch, TrainState, TrainStep

# Share of the memory that program, collectives and fragments leave to arrays.
USABLE = 0.9


@dataclasses.dataclass(frozen=True)
class Plan:
  """The memory and work of one step on each device.

  Attributes:
    device: Kind of all devices.
    mesh: Devices along each axis.
    state: Shapes, dtypes and shardings.
    axis_names: Logical axes of the parameters, a tree of PartitionSpec.
    rows: Number of rows of the global batch.
    flops: Floating-point operations of one step on the global batch, over all
      devices.
    activation_bytes: Bytes of one row; an estimate, see program_costs, and an
      upper bound where the model axis divides activations.
    pieces: Microbatches of a batch; None if the model knows of none.
  """

  device: Device
  mesh: Mapping[str, int]
  state: TrainState
  axis_names: PyTree
  rows: int
  flops: int
  activation_bytes: float
  pieces: int | None

  @property
  def rows_per_device(self) -> int:
    """Devices along the model axis have the same rows."""
    return self.rows // self.mesh['data']

  @property
  def usable(self) -> float:
    """Bytes of a device that arrays may take."""
    return USABLE * self.device.memory

  @property
  def gradient_bytes(self) -> int:
    """Gradients lie like parameters; where they add up there are two."""
    return self._gradient_copies * device_bytes(self.state.params)

  @property
  def needed(self) -> float:
    """Bytes of a device that a step takes."""
    rows = self.rows_per_device * self.activation_bytes
    return device_bytes(self.state) + self.gradient_bytes + rows

  @property
  def seconds(self) -> float:
    """Seconds of a step at half of the devices' peak, which is doing well."""
    peak = self.device.teraflops * 1e12 * math.prod(self.mesh.values())
    return self.flops / (0.5 * peak)

  def most_rows(self) -> int:
    """Rows that fit a device; 0 if none does."""
    fixed = device_bytes(self.state) + self.gradient_bytes
    return max(int((self.usable - fixed) // self.activation_bytes), 0)

  @property
  def accumulation(self) -> int | None:
    """Returns how many times as many pieces fit one by one; None if none do."""
    rows = self.rows_per_device
    if rows <= self.most_rows():
      return 1
    if self.pieces is None:
      return None
    most = dataclasses.replace(self, pieces=2).most_rows()
    parts = (k for k in range(2, rows + 1) if not rows % k)
    return next((k for k in parts if rows // k <= most), None)

  @property
  def _gradient_copies(self) -> int:
    return 2 if (self.pieces or 1) > 1 else 1


def plan(
    train_step: TrainStep,
    train_data: TrainData | Callable[..., TrainData],
    device: Device,
    partitioner: Partitioner,
) -> Plan:
  """Plans a run; `partitioner` may have a described mesh.

  It reads one batch of the data, for its shapes.

  Raises:
    UserError: The batch or a parameter does not divide over the mesh.
  """
  data = open_data(train_data, partitioner.data_layout)
  batch = jax.tree.map(_shape, dict(peek(data)))
  partitioner.check_rows(batch)
  key = jax.random.key(0)
  state = partitioner.abstract_state(train_step, key, batch)
  boxed = jax.eval_shape(train_step.variables, key, batch)
  rows = next(v.shape[0] for k, v in batch.items() if k not in SHARED)
  programs = [
      jax.make_jaxpr(train_step.step)(jax.tree.map(_shape, state), many, key)
      for many in (batch, _times(batch, 2))
  ]
  small, large = (program.jaxpr for program in programs)
  return Plan(
      device=device,
      mesh=dict(partitioner.mesh.shape),
      state=state,
      axis_names=shardings.axis_names(boxed)['params'],
      rows=rows,
      flops=program_costs.flops(small),
      activation_bytes=program_costs.live_bytes_per_row(small, large, rows),
      pieces=getattr(train_step, 'num_microbatches', None),
  )


def device_bytes(tree: PyTree) -> int:
  """Bytes that each device holds of arrays that know their shardings."""
  return sum(
      math.prod(leaf.sharding.shard_shape(leaf.shape)) * leaf.dtype.itemsize
      for leaf in jax.tree.leaves(tree)
  )


def _shape(array: Any) -> jax.ShapeDtypeStruct:
  return jax.ShapeDtypeStruct(array.shape, array.dtype)


def _times(batch: Batch, factor: int) -> Batch:
  return {
      name: value
      if name in SHARED
      else value.update(shape=(factor * value.shape[0], *value.shape[1:]))
      for name, value in batch.items()
  }
