"""Rewrites of operations that XLA:CPU is slow at, with the same result.

`python -m bench.cpu_rewrites` measures each beside the plain operation. Times
in docstrings are plain over ours, value and gradient, on one core with AVX2. On
accelerators both ways are bound by memory or are one product, so that nothing
is chosen by the kind of processor. The gradient of attention, which is longer,
has a file of its own: dot_product.py.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def depthwise_conv(
    x: Float[Array, 'B S D'], kernel: Float[Array, 'k D']
) -> Float[Array, 'B T D']:
  """Convolves each channel with its own taps, without padding: T = S - k + 1.

  It is a sum of shifted copies in place of a convolution of D groups: 20 times.
  """
  num_taps = len(kernel)
  num_frames = x.shape[1] - num_taps + 1
  return sum(
      x[:, tap : tap + num_frames] * kernel[tap][None, None]
      for tap in range(num_taps)
  )


def grouped_conv(
    x: Float[Array, 'B N C'],
    kernel: Float[Array, 'k I D'],
    stride: int,
) -> Float[Array, 'B T D']:
  """Centred convolution within groups of I channels; T = ceil(N / stride).

  It is one matrix product per group over frames of `stride` samples in place
  of a convolution of C / I groups: 5 times.
  """
  size, group, features = kernel.shape
  batch, length, channels = x.shape
  groups, num_frames = channels // group, -(-length // stride)
  taps = -(-size // stride)
  past = (size - 1) // 2
  future = (num_frames + taps - 1) * stride - length - past
  x = jnp.pad(x, ((0, 0), (past, future), (0, 0)))
  x = jnp.moveaxis(x.reshape(batch, -1, stride, groups, group), 3, 0)
  frames = x.reshape(groups, batch, -1, stride * group)
  columns = jnp.concatenate(
      [frames[:, :, i : i + num_frames] for i in range(taps)], axis=-1
  )
  kernel = jnp.pad(kernel, ((0, taps * stride - size), (0, 0), (0, 0)))
  kernel = kernel.reshape(-1, groups, features // groups)
  y = jnp.einsum('gbtk,kgo->btgo', columns, kernel)
  return y.reshape(batch, num_frames, features)


def dense(
    x: Float[Array, '*B D'], kernel: Float[Array, 'D F']
) -> Float[Array, '*B F']:
  """Product with a matrix over rows of one axis.

  In the gradient of a product over two axes XLA:CPU copies an operand: 1.3
  times.
  """
  rows = x.reshape(-1, x.shape[-1])
  return (rows @ kernel).reshape(*x.shape[:-1], -1)


def elu(x: Float[Array, '*n']) -> Float[Array, '*n']:
  """ELU without a select and without expm1, which are not vectorized: 1.2."""
  return jnp.maximum(x, 0) + jnp.exp(jnp.minimum(x, 0)) - 1


def argmax(scores: Float[Array, '*n K']) -> Int[Array, '*n']:
  """Place of the first maximum, of fewer than 2^24 places.

  Only the maximum of floats is vectorized, and places are exact as floats: 1.5
  times.
  """
  places = jnp.arange(scores.shape[-1], dtype=jnp.float32)
  is_best = scores == scores.max(axis=-1, keepdims=True)
  lead = (None,) * (scores.ndim - 1)
  last = -float(scores.shape[-1] - 1)
  return -jnp.where(is_best, -places[lead], last).max(axis=-1).astype(jnp.int32)
