"""A small model with every kind of state, and data that knows where it is.

As a program, `toy.py MODEL_DIR NUM_STEPS [PROCESS PORT]`, it trains on eight
devices, or as one of two processes with two each, with a short rest between
batches, so that there is time to kill it.
"""

import sys
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from audiolm_jax.training import distributed, optimizers
from audiolm_jax.training.loop import train
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)
from audiolm_jax.training.state import TrainState, Waveform, unbox

WIDTH = 8
HIDDEN = 16

# Seconds; JAX looks every half of it.
PEER_TIMEOUT = 10


class Mlp(nn.Module):
  """Named axes, dropout, and two layers."""

  @nn.compact
  def __call__(self, x, deterministic=True):
    init = nn.initializers.lecun_normal()
    wi = self.param(
        'wi',
        nn.with_logical_partitioning(init, ('embed', 'mlp')),
        (WIDTH, HIDDEN),
    )
    wo = self.param(
        'wo',
        nn.with_logical_partitioning(init, ('mlp', 'embed')),
        (HIDDEN, WIDTH),
    )
    h = nn.with_logical_constraint(jax.nn.gelu(x @ wi), ('batch', 'mlp'))
    h = nn.Dropout(0.1, deterministic=deterministic)(h)
    return h @ wo


class ToyTrainStep:
  """Learns to reverse vectors; `mutables` counts the rows it saw."""

  def __init__(self, tx=None, model=None):
    self.tx = tx or optimizers.adam(1e-2)
    self.model = model or Mlp()

  def variables(self, key, batch):
    params = self.model.init(key, batch['x'])['params']
    return {'params': params, 'mutables': {'rows': jnp.zeros(())}}

  def init(self, key, batch):
    variables = unbox(self.variables(key, batch))
    return TrainState(
        step=jnp.int32(0),
        opt_state=self.tx.init(variables['params']),
        **variables,
    )

  def loss(self, params, batch, **kwargs):
    y = self.model.apply({'params': params}, batch['x'], **kwargs)
    return jnp.mean((y - batch['x'][:, ::-1]) ** 2)

  def step(self, state, batch, key):
    key = jax.random.fold_in(key, state.step)
    loss, grads = jax.value_and_grad(self.loss)(
        state.params, batch, deterministic=False, rngs={'dropout': key}
    )
    updates, opt_state = self.tx.update(grads, state.opt_state, state.params)
    state = TrainState(
        step=state.step + 1,
        params=optax.apply_updates(state.params, updates),
        opt_state=opt_state,
        mutables={'rows': state.mutables['rows'] + len(batch['x'])},
    )
    return state, {'loss': loss}

  def evaluate(self, state, batch):
    loss = self.loss(state.params, batch)
    return {'loss': loss, 'weight': jnp.float32(len(batch['x']))}

  def waveforms(self, state, batch):
    samples = np.tile(np.asarray(batch['x'])[:2], (1, 100))
    return {'made': Waveform(samples, 1000)}

  def warnings(self, metrics):
    return [f'a loss of {metrics["loss"]:.1f} is a loss']

  def model_config(self) -> dict[str, Any]:
    return {'kind': 'toy', 'width': WIDTH}


class ToyData:
  """Batch n is a function of n."""

  def __init__(self, shard_index=0, num_shards=1, on_batch=lambda _: None):
    rows = 8 // num_shards
    self.rows = slice(shard_index * rows, (shard_index + 1) * rows)
    self.on_batch = on_batch
    self.position = 0

  def __iter__(self):
    return self

  def __next__(self):
    rng = np.random.default_rng(self.position)
    self.position += 1
    self.on_batch(self.position)
    x = rng.normal(size=(8, WIDTH)).astype(np.float32)[self.rows]
    return {'x': x, 'positions': np.arange(3)}

  def get_state(self):
    return {'step': self.position}

  def set_state(self, state):
    self.position = state['step']


def slow_data(**shard):
  return ToyData(**shard, on_batch=lambda number: time.sleep(0.02))


def pod(process, port):
  """Joins the other process; both axes of the mesh go over both."""
  jax.config.update('jax_num_cpu_devices', 2)
  jax.config.update('jax_cpu_collectives_implementation', 'gloo')
  distributed.join(f'127.0.0.1:{port}', 2, int(process), PEER_TIMEOUT)
  return Partitioner(make_mesh(model=2), standard_logical_axis_rules(fsdp=True))


def main(model_dir, num_steps, *process):
  jax.config.update('jax_num_cpu_devices', 8)
  train(
      ToyTrainStep(),
      slow_data,
      model_dir,
      int(num_steps),
      partitioner=pod(*process) if process else None,
      eval_data=ToyData,
      log_every=1,
      eval_every=10,
      save_every=5,
  )


if __name__ == '__main__':
  main(*sys.argv[1:])
