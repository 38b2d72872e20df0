"""The recurrent layers in the middle of EnCodec."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

# Cell and output of a layer.
State = tuple[Float[Array, 'B D'], Float[Array, 'B D']]


class Lstm(nn.Module):
  """Layers of long short-term memory, with a skip over them all.

  Parameters are named as torch names them; both biases are added.
  """

  num_layers: int

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    y = x
    for layer in range(self.num_layers):
      y = self._layer(y, layer)
    return x + y

  def _layer(
      self, x: Float[Array, 'B T D'], layer: int
  ) -> Float[Array, 'B T D']:
    width = x.shape[-1]
    init, shape = nn.initializers.lecun_normal(), (width, 4 * width)
    inputs = self.param(f'weight_ih_l{layer}', init, shape)
    recurrent = self.param(f'weight_hh_l{layer}', init, shape)
    zeros = nn.initializers.zeros
    bias = self.param(f'bias_ih_l{layer}', zeros, (4 * width,))
    bias = bias + self.param(f'bias_hh_l{layer}', zeros, (4 * width,))

    def step(state: State, gates: Float[Array, 'B G']) -> tuple[State, Array]:
      state = _next(state, gates + state[1] @ recurrent)
      return state, state[1]

    gates = x @ inputs + bias[None, None]
    start = jnp.zeros_like(x[:, 0])
    _, y = jax.lax.scan(step, (start, start), gates.swapaxes(0, 1))
    return y.swapaxes(0, 1)


def _next(state: State, gates: Float[Array, 'B G']) -> State:
  """The next state; G holds four gates of D channels."""
  write, forget, new, read = jnp.split(gates, 4, axis=-1)
  cell = nn.sigmoid(forget) * state[0] + nn.sigmoid(write) * jnp.tanh(new)
  return cell, nn.sigmoid(read) * jnp.tanh(cell)
