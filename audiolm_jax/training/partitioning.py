"""Layout of arrays on devices: the mesh, and rules for logical axis names."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import linen as nn
from jax.sharding import (
    AbstractMesh,
    AxisType,
    Mesh,
    NamedSharding,
    PartitionSpec,
    use_abstract_mesh,
)
from jaxtyping import PRNGKeyArray

from audiolm_jax.errors import UserError
from audiolm_jax.training import programs
from audiolm_jax.training.programs import Compiled
from audiolm_jax.training.shardings import (
    AxisRules,
    of_optimizer,
    of_variables,
)
from audiolm_jax.training.state import SHARED, Batch, TrainState, TrainStep


class DataLayout(NamedTuple):
  """This process's share of every global batch."""

  shard_index: int
  num_shards: int


def make_mesh(
    data: int = -1, model: int = 1, num_described: int | None = None
) -> Mesh | AbstractMesh:
  """Lays devices out as data x model; data=-1 takes all that there are.

  Args:
    data: Devices that share the rows of a batch.
    model: Devices that share one copy of the model.
    num_described: Lays out so many devices that need not be there, to be
      planned for (training.planning.dry_run) but not computed on.

  Raises:
    UserError: The devices do not fill the mesh.
  """
  available = num_described or jax.device_count()
  if data == -1:
    data = max(available // model, 1)
  needed = data * model
  # A process without a device in the mesh would wait forever for the others.
  must_fill = num_described or jax.process_count() > 1
  if needed > available or (must_fill and needed != available):
    raise UserError(
        f'A mesh of data={data} x model={model} does not fit {available}'
        ' devices; set data=-1 and a model that divides them.'
    )
  shape, names = (data, model), ('data', 'model')
  # Only parameters, batch and a few activations are told where they lie; XLA
  # finds out about the rest.
  types = (AxisType.Auto, AxisType.Auto)
  if num_described:
    return AbstractMesh(shape, names, types)
  return jax.make_mesh(
      shape, names, axis_types=types, devices=jax.devices()[:needed]
  )


def standard_logical_axis_rules(fsdp: bool = False) -> AxisRules:
  """t5x's names; fsdp also spreads parameters over the data axis.

  Kernels into a block lie in pieces along their wide side ('mlp', 'heads'),
  those out of it as well, so that a block costs one sum over the model axis
  forwards (Megatron-LM, arXiv 1909.08053).
  """
  return (
      ('batch', 'data'),
      ('vocab', 'model'),
      ('embed', 'data' if fsdp else None),
      ('mlp', 'model'),
      ('heads', 'model'),
      ('kv', None),
      ('joined_kv', 'model'),
      ('relpos_buckets', None),
      ('abspos_buckets', None),
      ('mlp_activations', None),
      ('length', None),
      ('layers', None),
      ('stack', None),
      ('conv', None),
  )


class Partitioner:
  """Lays a train step out over a mesh (t5x's PjitPartitioner)."""

  def __init__(self, mesh: Mesh | AbstractMesh, rules: AxisRules):
    """Args: the mesh may be described only, see make_mesh."""
    self.mesh = mesh
    self.rules = tuple(rules)

  @contextlib.contextmanager
  def context(self) -> Iterator[None]:
    """A context in which logical axis names mean something; models need it."""
    # Under the older `with mesh:` constraints by logical name do nothing.
    use = jax.set_mesh if isinstance(self.mesh, Mesh) else use_abstract_mesh
    with use(self.mesh), nn.logical_axis_rules(self.rules):
      yield

  @property
  def data_layout(self) -> DataLayout:
    """The rows of the data axis that this process's devices hold.

    They are all rows on a described mesh, where nothing runs.
    """
    if not isinstance(self.mesh, Mesh):
      return DataLayout(0, 1)
    # A process reads the rows that any of its devices has; with more devices a
    # row than a host has, two hosts read the same ones.
    local = np.vectorize(lambda device: device.process_index)(self.mesh.devices)
    rows = np.flatnonzero((local == jax.process_index()).any(axis=1))
    # This counts on a process's rows being neighbours, and on every process
    # having as many.
    return DataLayout(
        int(rows[0]) // len(rows), self.mesh.shape['data'] // len(rows)
    )

  def batch_sharding(self, name: str) -> NamedSharding:
    """Rows over the data axis, but for what all rows share."""
    spec = PartitionSpec() if name in SHARED else PartitionSpec('data')
    return NamedSharding(self.mesh, spec)

  def put(self, batch: Batch) -> Batch:
    """Makes global arrays of this process's share of a batch.

    Raises:
      UserError: The rows do not divide over the data axis.
    """
    self.check_rows(batch, self.data_layout.num_shards)
    # No process holds the whole batch, and none has to.
    return {
        name: jax.make_array_from_process_local_data(
            self.batch_sharding(name), np.asarray(value)
        )
        for name, value in batch.items()
    }

  def check_rows(self, batch: Batch, num_shards: int = 1) -> None:
    """Raises UserError if a shard of a batch does not divide over its rows."""
    num_rows = self.mesh.shape['data'] // num_shards
    for name, value in batch.items():
      if name not in SHARED and value.shape[0] % num_rows:
        raise UserError(
            f'A batch of {value.shape[0]} ({name}) does not divide over the'
            f' {num_rows} rows of data={self.mesh.shape["data"]}; change the'
            ' batch size or the mesh.'
        )

  def abstract_state(
      self, train_step: TrainStep, key: PRNGKeyArray, batch: Batch
  ) -> TrainState:
    """Shapes, dtypes and shardings of the state; nothing is computed.

    Raises:
      UserError: An axis name has no rule or a size does not divide.
    """
    with self.context():
      # Boxes bring the logical names of the axes. The state has lost them, but
      # its optimizer repeats the parameters, and lies as they do.
      boxed = jax.eval_shape(train_step.variables, key, batch)
      state = jax.eval_shape(train_step.init, key, batch)
    shardings = of_variables(boxed, self.mesh, self.rules)
    replicated = NamedSharding(self.mesh, PartitionSpec())
    optimizer = of_optimizer(
        state.opt_state, state.params, shardings['params'], replicated
    )
    return jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=sharding
        ),
        state,
        TrainState(step=replicated, opt_state=optimizer, **shardings),
    )

  def state_shardings(
      self, train_step: TrainStep, key: PRNGKeyArray, batch: Batch
  ) -> TrainState:
    """A tree like the state, of NamedSharding."""
    abstract = self.abstract_state(train_step, key, batch)
    return jax.tree.map(lambda leaf: leaf.sharding, abstract)

  def compile(
      self, train_step: TrainStep, key: PRNGKeyArray, batch: Batch
  ) -> Compiled:
    """Jits a train step; `key` and `batch` are what its init gets."""
    if not isinstance(self.mesh, Mesh):
      raise UserError(
          'This mesh is only described; make_mesh.num_described is for'
          ' audiolm train --dry_run.'
      )
    batch = self.put(batch)
    abstract = self.abstract_state(train_step, key, batch)
    return programs.compiled(train_step, abstract, batch, key, self._run)

  def lower(
      self, train_step: TrainStep, key: PRNGKeyArray, batch: Batch
  ) -> jax.stages.Lowered:
    """The step's program, to be read or measured; nothing is computed."""
    abstract = self.abstract_state(train_step, key, batch)
    step = programs.jit_step(train_step, abstract)
    return self._run(step.lower, abstract, batch, key)

  def _run(self, function: Callable[..., Any], *args: Any) -> Any:
    with self.context():
      # jax.jit traces when it is called, not when it is made: the context has
      # to be there for the call.
      return function(*args)


def default_partitioner(num_described: int | None = None) -> Partitioner:
  """Pure data parallelism over all devices."""
  mesh = make_mesh(num_described=num_described)
  return Partitioner(mesh, standard_logical_axis_rules())
