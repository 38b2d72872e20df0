"""Memory of causal layers from one piece of a stream to the next.

Applied with a mutable collection 'stream', a layer takes its past from there
and leaves it for the next call: the pieces then give what the whole does.
"""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float


def is_streaming(module: nn.Module) -> bool:
  """Returns whether the module is applied to one piece after the other."""
  return module.is_mutable_collection('stream') and not module.is_initializing()


def behind_past(
    module: nn.Module, x: Float[Array, 'B N C'], length: int
) -> Float[Array, 'B M C']:
  """Returns x behind the `length` samples before it, zeros at first."""
  if not is_streaming(module):
    return jnp.pad(x, ((0, 0), (length, 0), (0, 0)))
  shape = (x.shape[0], length, x.shape[2])
  past = module.variable('stream', 'past', jnp.zeros, shape, x.dtype)
  x = jnp.concatenate([past.value, x], axis=1)
  # Not x[:, -length:], which is all of x where the length is 0.
  past.value = x[:, x.shape[1] - length :]
  return x
