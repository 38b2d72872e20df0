"""Resemblyzer's speaker encoder in JAX: a voice as a vector of 256 numbers.

A network of three recurrent layers, trained on thousands of speakers to tell
them apart (generalized end-to-end loss). Only its weights are read from the
package, which otherwise brings torch and other libraries.
"""

import functools
import hashlib
import importlib.util
import pathlib
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from audiolm_jax.audio import Sound
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.listeners import torch_legacy
from audiolm_jax.evaluation.tables import Missing
from audiolm_jax.nn import spectral

SAMPLE_RATE = 16000
# A voice as a vector of length 1, or of NaN where there is no sound.
Encoder = Callable[[Sound], Float[np.ndarray, ' D']]

INSTALL = 'pip install --no-deps resemblyzer==0.1.4'
_SHA256 = '39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e'
_WINDOW, _HOP, _MELS = 400, 160, 40
_LAYERS = 3
# The network hears 1.6 s at once, 1.3 times a second.
_FRAMES, _STEP = 160, 77
_MIN_COVERAGE = 0.75  # Of a last window, or it is left out.
_RMS = 10 ** (-30 / 20)
_WINDOWS = 8  # Their number is padded to multiples of it, for the compiler.


def resemblyzer() -> Encoder | Missing:
  """The pretrained encoder; Missing if the package is.

  Quiet clips are made louder, to -30 dBFS. Silence is not cut out, which the
  package leaves to its caller.

  Raises:
    UserError: The package is there, and its weights are not the known ones.
  """
  package = importlib.util.find_spec('resemblyzer')
  if package is None:
    return Missing(f'resemblyzer is missing: {INSTALL}')
  return encoder(pathlib.Path(package.origin).with_name('pretrained.pt'))


@functools.cache
def encoder(path: pathlib.Path) -> Encoder:
  """The encoder with the weights of a file."""
  data = path.read_bytes()
  if hashlib.sha256(data).hexdigest() != _SHA256:
    raise UserError(f'{path} is not the one that is known: {INSTALL}.')
  weights = jax.tree.map(jnp.asarray, _weights(data))
  embed = jax.jit(functools.partial(_embed, weights))

  def encode(sound: Sound) -> Float[np.ndarray, ' D']:
    waveform = sound.at(SAMPLE_RATE)
    rms = np.sqrt(np.mean(np.square(waveform))) if len(waveform) else 0.0
    if not rms:
      return np.full(256, np.nan, np.float32)
    mels = windows(np.asarray(waveform * max(1.0, _RMS / rms), np.float32))
    extra = -len(mels) % _WINDOWS
    padded = np.pad(mels, ((0, extra), (0, 0), (0, 0)))
    mean = np.asarray(embed(padded))[: len(mels)].mean(axis=0)
    return mean / np.linalg.norm(mean)

  return encode


def windows(waveform: Float[np.ndarray, ' N']) -> Float[np.ndarray, 'P T M']:
  """Mel power spectra, no logarithm, of windows of 1.6 s; a last one padded."""
  num_frames = -(-(len(waveform) + 1) // _HOP)
  starts = np.arange(0, max(1, num_frames - _FRAMES + _STEP + 1), _STEP)
  covered = (len(waveform) / _HOP - starts[-1]) / _FRAMES
  if covered < _MIN_COVERAGE and len(starts) > 1:
    starts = starts[:-1]
  longest = max(len(waveform), (starts[-1] + _FRAMES) * _HOP)
  padded = np.pad(waveform, (_WINDOW // 2, _WINDOW + longest - len(waveform)))
  spectra = np.asarray(spectral.stft(jnp.asarray(padded)[None], _WINDOW, _HOP))
  power = spectra[0].real ** 2 + spectra[0].imag ** 2
  mels = power @ spectral.mel_filterbank(_MELS, _WINDOW, SAMPLE_RATE)
  return mels[starts[:, None] + np.arange(_FRAMES)[None]]


def _weights(data: bytes) -> dict[str, Float[np.ndarray, '...']]:
  lstm = [
      f'lstm.{kind}_{source}_l{layer}'
      for layer in range(_LAYERS)
      for kind in ('weight', 'bias')
      for source in ('ih', 'hh')
  ]
  return torch_legacy.read(data, [*lstm, 'linear.weight', 'linear.bias'])


def _embed(
    weights: Mapping[str, Array], mels: Float[Array, 'P T M']
) -> Float[Array, 'P D']:
  x = mels.swapaxes(0, 1)
  for layer in range(_LAYERS):
    names = ('weight_ih', 'weight_hh', 'bias_ih', 'bias_hh')
    x = _lstm(*(weights[f'lstm.{name}_l{layer}'] for name in names), x)
  y = jax.nn.relu(
      x[-1] @ weights['linear.weight'].T + weights['linear.bias'][None]
  )
  return y / jnp.linalg.norm(y, axis=1, keepdims=True)


def _lstm(
    inputs: Float[Array, 'G D'],
    recurrent: Float[Array, 'G H'],
    input_bias: Float[Array, ' G'],
    recurrent_bias: Float[Array, ' G'],
    x: Float[Array, 'T P D'],
) -> Float[Array, 'T P H']:
  """One recurrent layer; G holds four gates of H channels, as torch has it."""

  def step(state, gates):
    write, forget, new, read = jnp.split(
        gates + state[1] @ recurrent.T, 4, axis=-1
    )
    cell = jax.nn.sigmoid(forget) * state[0]
    cell += jax.nn.sigmoid(write) * jnp.tanh(new)
    output = jax.nn.sigmoid(read) * jnp.tanh(cell)
    return (cell, output), output

  gates = x @ inputs.T + (input_bias + recurrent_bias)[None, None]
  start = jnp.zeros((x.shape[1], recurrent.shape[1]))
  return jax.lax.scan(step, (start, start), gates)[1]
