"""The smallest model that trains: one number, and data to configure."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from audiolm_jax.training.state import TrainState


class LinearTrainStep:
  """Fits y = a x."""

  def __init__(self, tx: optax.GradientTransformation, start: float = 0.5):
    self.tx = tx
    self.start = start

  def variables(self, key, batch):
    return {'params': {'a': jnp.float32(self.start)}, 'mutables': {}}

  def init(self, key, batch):
    params = self.variables(key, batch)['params']
    return TrainState(jnp.int32(0), params, self.tx.init(params), {})

  def step(self, state, batch, key):
    loss, grads = jax.value_and_grad(self._loss)(state.params, batch)
    updates, opt_state = self.tx.update(grads, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    return TrainState(state.step + 1, params, opt_state, {}), {'loss': loss}

  def evaluate(self, state, batch):
    return {'loss': self._loss(state.params, batch), 'weight': jnp.float32(1)}

  def waveforms(self, state, batch):
    return {}

  def warnings(self, metrics):
    return []

  def model_config(self):
    return {'kind': 'linear'}

  def _loss(self, params, batch):
    return jnp.square(params['a'] * batch['x'] - 3 * batch['x']).mean()


class Numbers:
  """The same batch for ever."""

  def __init__(self, batch_size: int):
    self.batch_size = batch_size

  def __iter__(self):
    return self

  def __next__(self):
    return {'x': np.ones(self.batch_size, np.float32)}

  def get_state(self):
    return {}

  def set_state(self, state):
    del state
