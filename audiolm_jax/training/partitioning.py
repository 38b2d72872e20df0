"""Which device holds what: mesh, logical axis rules, the jit of a step."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import linen as nn
from jax.experimental import multihost_utils
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
from audiolm_jax.training import program_costs
from audiolm_jax.training.shardings import (
    AxisRules,
    of_optimizer,
    of_variables,
)
from audiolm_jax.training.state import (
    SHARED,
    Batch,
    Metrics,
    TrainState,
    TrainStep,
    Waveform,
)


class DataLayout(NamedTuple):
  """This process's share of every global batch."""

  shard_index: int
  num_shards: int


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
  types = (AxisType.Auto, AxisType.Auto)
  if num_described:
    return AbstractMesh(shape, names, types)
  return jax.make_mesh(
      shape, names, axis_types=types, devices=jax.devices()[:needed]
  )


def standard_logical_axis_rules(fsdp: bool = False) -> AxisRules:
  """t5x's names; fsdp also spreads parameters over the data axis."""
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

    Of a described mesh, where nothing runs, all.
    """
    if not isinstance(self.mesh, Mesh):
      return DataLayout(0, 1)
    local = np.vectorize(lambda device: device.process_index)(self.mesh.devices)
    rows = np.flatnonzero((local == jax.process_index()).any(axis=1))
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
    shardings = jax.tree.map(lambda leaf: leaf.sharding, abstract)
    replicated = NamedSharding(self.mesh, PartitionSpec())
    init = jax.jit(train_step.init, out_shardings=shardings)
    step = self._jit_step(train_step, shardings)
    evaluate = jax.jit(
        train_step.evaluate,
        in_shardings=(shardings, None),
        out_shardings=replicated,
    )
    return Compiled(
        init=lambda: self._run(init, key, batch),
        step=lambda *args: self._run(step, *args),
        evaluate=lambda *args: self._run(evaluate, *args),
        waveforms=lambda *args: self._waveforms(train_step, *args),
        warnings=train_step.warnings,
        metrics=lambda: set(
            self._run(jax.eval_shape, train_step.evaluate, abstract, batch)
        ),
        flops=lambda: self._flops(step, abstract, batch, key),
        abstract=abstract,
    )

  def lower(
      self, train_step: TrainStep, key: PRNGKeyArray, batch: Batch
  ) -> jax.stages.Lowered:
    """The step's program, to be read or measured; nothing is computed."""
    abstract = self.abstract_state(train_step, key, batch)
    shardings = jax.tree.map(lambda leaf: leaf.sharding, abstract)
    step = self._jit_step(train_step, shardings)
    with self.context():
      return step.lower(abstract, batch, key)

  def _jit_step(
      self, train_step: TrainStep, shardings: TrainState
  ) -> jax.stages.Wrapped:
    replicated = NamedSharding(self.mesh, PartitionSpec())
    return jax.jit(
        train_step.step,
        in_shardings=(shardings, None, None),
        out_shardings=(shardings, replicated),
        donate_argnums=0,
    )

  def _flops(self, step: jax.stages.Wrapped, *args: Any) -> int:
    with self.context():
      return program_costs.flops(step.trace(*args).jaxpr.jaxpr)

  def _run(self, function: Callable[..., Any], *args: Any) -> Any:
    with self.context():
      return function(*args)

  def _waveforms(
      self, train_step: TrainStep, state: TrainState, batch: Batch
  ) -> Mapping[str, Waveform]:
    state = state.replace(opt_state=())
    if jax.process_count() == 1:
      return self._run(train_step.waveforms, state, batch)
    # A model that makes sound reads its arrays, and no process has them whole.
    gathered = multihost_utils.process_allgather((state, batch), tiled=True)
    return train_step.waveforms(*gathered)


def default_partitioner(num_described: int | None = None) -> Partitioner:
  """Pure data parallelism over all devices."""
  mesh = make_mesh(num_described=num_described)
  return Partitioner(mesh, standard_logical_axis_rules())
