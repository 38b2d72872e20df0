"""Encoding and decoding piece by piece, a frame and `delay` late.

  step = jax.jit(functools.partial(streaming.encode, model, params, codebooks))
  past = streaming.encoder_past(model, params, batch_size=1)
  for chunk in chunks:  # 'B N', N any multiple of model.hop_length
    codes, past = step(past, chunk)

The codes of the pieces, one after the other, are those of the whole. So are the
samples, but for `model.delay` of them that come before the first: silence.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from audiolm_jax.soundstream import quantizer
from audiolm_jax.soundstream.networks import Networks

# The last samples that each convolution heard, by the names of the modules.
Past = PyTree


def encoder_past(model: Networks, params: PyTree, batch_size: int) -> Past:
  """Silence, before the first sample."""
  frame = jnp.zeros((batch_size, model.hop_length))
  return _silence(model, params, frame, 'encode')


def decoder_past(model: Networks, params: PyTree, batch_size: int) -> Past:
  """Nothing, before the first frame."""
  frame = jnp.zeros((batch_size, 1, model.embedding_dim))
  return _silence(model, params, frame, 'decode')


def encode(
    model: Networks,
    params: PyTree,
    codebooks: Float[Array, 'Q K D'],
    past: Past,
    waveform: Float[Array, 'B N'],
) -> tuple[Int[Array, 'B T Q'], Past]:
  """Codes of the next piece, and the past of the one after it."""
  z, past = _apply(model, params, past, waveform, 'encode')
  return quantizer.encode(z, codebooks), past


def decode(
    model: Networks,
    params: PyTree,
    codebooks: Float[Array, 'Q K D'],
    past: Past,
    codes: Int[Array, 'B T q'],
) -> tuple[Float[Array, 'B N'], Past]:
  """Samples of the next piece, and the past of the one after it."""
  z = quantizer.decode(codes, codebooks)
  return _apply(model, params, past, z, 'decode')


def _apply(
    model: Networks, params: PyTree, past: Past, x: Array, method: str
) -> tuple[Any, Past]:
  variables = {'params': params, 'stream': past}
  y, changed = model.apply(variables, x, method=method, mutable=['stream'])
  return y, changed['stream']


def _silence(
    model: Networks, params: PyTree, frame: Array, method: str
) -> Past:
  # Only shapes are asked for. The values are those after a frame, of which
  # biases make something even where it is silent.
  _, past = jax.eval_shape(
      lambda params: _apply(model, params, {}, frame, method), params
  )
  return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), past)
