"""Can one speak from semantic tokens? A small voice that learns to, from them.

Tokens that tell phones apart may still be nothing to speak from. The probe
gets the ids of any semantic tokenizer and a voice, learns for some minutes to
make the waveform again, and is then put through a recogniser. Of two tokenizers
with the same minutes the one whose words come through carries more of them.
"""

import functools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PyTree

from audiolm_jax import progress
from audiolm_jax.evaluation.subjects.probe_network import Probe
from audiolm_jax.semantic_vq import hearing, speaking
from audiolm_jax.soundstream import losses
from audiolm_jax.tokens.tokenizers import windows
from audiolm_jax.tokens.tokenizers.contract import SemanticTokenizer
from audiolm_jax.training import optimizers
from audiolm_jax.training.state import unbox

# Frames that the probe speaks in, whatever the tokens' rate.
FRAMES_PER_SECOND = 50
_WINDOW_SECONDS = 0.064
# Weight of the spectral loss, so that gradients are not always clipped.
_WEIGHT = 0.4
_PEAK, _WARMUP_STEPS, _FINAL = 2e-3, 100, 0.05


class Trained(NamedTuple):
  """A probe that has learnt.

  Attributes:
    probe: The module.
    params: Its weights.
    sample_rate: Sample rate of what it hears and says, in Hz.
    steps: Number of training steps.
    seconds: Seconds of audio that it heard.
    loss: Mean spectral loss of the last steps.
  """

  probe: Probe
  params: PyTree
  sample_rate: int
  steps: int
  seconds: float
  loss: float


def train(
    semantic: SemanticTokenizer,
    batches: Iterator[Mapping[str, np.ndarray]],
    cpu_minutes: float,
    seed: int = 0,
) -> Trained:
  """Trains for so many CPU-minutes; compiling and encoding do not count.

  Args:
    semantic: Makes the ids, and knows what they stand for (`centroids`): from
      there their vectors start. It does not learn.
    batches: Batches as of corpus.AudioBatches, at the tokenizer's sample rate.
    cpu_minutes: CPU-minutes of all cores together.
    seed: Seed of the first weights.
  """
  hop = semantic.sample_rate // FRAMES_PER_SECOND
  probe = Probe(*semantic.centroids.shape, hop)
  tx = optax.inject_hyperparams(_optimizer)(learning_rate=0.0)
  key, state, used, found, heard = jax.random.key(seed), None, 0.0, [], 0.0
  while used < cpu_minutes * 60:
    batch = next(batches)
    said = _said(semantic, hop, batch)
    if state is None:
      params = unbox(_init(probe, key, said))
      params['vectors'] = _vectors(semantic)
      state = params, tx.init(params)
      jax.block_until_ready(_step(probe, tx, semantic.sample_rate, state, said))
    state[1].hyperparams['learning_rate'] = _rate(
        len(found), used / (cpu_minutes * 60)
    )
    start = time.process_time()
    state, loss = _step(probe, tx, semantic.sample_rate, state, said)
    found.append(float(loss))
    used += time.process_time() - start
    heard += float(batch['length'].sum()) / semantic.sample_rate
    if len(found) % 100 == 0:
      progress.log.info(
          'Probe: step %d, %.1f of %g CPU-minutes, spectral loss %.3f',
          len(found),
          used / 60,
          cpu_minutes,
          np.mean(found[-100:]),
      )
  loss = float(np.mean(found[-100:]))
  return Trained(probe, state[0], semantic.sample_rate, len(found), heard, loss)


def speak(
    trained: Trained,
    semantic: SemanticTokenizer,
    clips: Sequence[Float[np.ndarray, ' _']],
) -> list[Float[np.ndarray, ' _']]:
  """Speech that the probe makes of each clip's tokens, in the clip's voice."""
  spoken = []
  for clip in progress.follow(clips, 'Speaking from tokens'):
    hop = trained.probe.hop_length
    unit = math.lcm(semantic.hop_length, speaking.STACK * hop)
    num_samples = windows.bucket(-(-len(clip) // unit)) * unit
    batch = {
        'waveform': np.pad(clip, (0, num_samples - len(clip)))[None],
        'length': np.array([len(clip)], np.int32),
    }
    said = _said(semantic, hop, batch)
    waveform = _speak(trained.probe, trained.params, said)
    spoken.append(np.asarray(waveform)[0, : len(clip)])
  return spoken


def _vectors(semantic: SemanticTokenizer) -> Float[Array, 'K D']:
  """The ids' centroids, of zero mean and unit deviation."""
  centroids = np.asarray(semantic.centroids, np.float32)
  deviations = centroids.std(axis=0, keepdims=True) + 1e-5
  return jnp.asarray(
      (centroids - centroids.mean(axis=0, keepdims=True)) / deviations
  )


class _Said(NamedTuple):
  """Ids at the probe's rate, and the clips that they are of."""

  ids: Int[Array, 'B T']
  waveform: Float[Array, 'B N']
  length: Int[Array, ' B']


def _said(
    semantic: SemanticTokenizer, hop: int, batch: Mapping[str, np.ndarray]
) -> _Said:
  unit = math.lcm(semantic.hop_length, speaking.STACK * hop)
  num_samples = batch['waveform'].shape[1] // unit * unit
  waveform = np.asarray(batch['waveform'])[:, :num_samples]
  length = np.minimum(batch['length'], num_samples)
  ids = semantic.encode(waveform, length)
  starts = np.arange(num_samples // hop) * hop
  ids = ids[:, starts // semantic.hop_length]
  return _Said(*map(jnp.asarray, (ids, waveform, length)))


def _rate(step: int, done: float) -> float:
  """Linear up, then half a cosine down as the minutes pass."""
  cosine = 0.5 + 0.5 * np.cos(np.pi * min(done, 1.0))
  return (
      _PEAK
      * min((step + 1) / _WARMUP_STEPS, 1.0)
      * (_FINAL + (1 - _FINAL) * cosine)
  )


def _optimizer(
    learning_rate: optax.ScalarOrSchedule,
) -> optax.GradientTransformation:
  return optimizers.adam(learning_rate, b1=0.8, b2=0.99, weight_decay=1e-3)


class _Heard(NamedTuple):
  """Clips at one level, and what tells their voice."""

  target: Float[Array, 'B N']
  spectra: Float[Array, 'B T F']
  valid: Bool[Array, 'B T']
  samples: Bool[Array, 'B N']


def _hear(probe: Probe, said: _Said) -> _Heard:
  samples = jnp.arange(said.waveform.shape[1])[None] < said.length[:, None]
  target = hearing.at_level(said.waveform, samples)
  # A window of the same length in samples at every rate would not be.
  window = round(_WINDOW_SECONDS * FRAMES_PER_SECOND * probe.hop_length)
  spectra = hearing.log_spectra(target, window, probe.hop_length)
  return _Heard(target, spectra, samples[:, :: probe.hop_length], samples)


def _init(probe: Probe, key: Array, said: _Said) -> PyTree:
  heard = _hear(probe, said)
  arguments = said.ids, heard.spectra, heard.valid
  init = jax.jit(functools.partial(probe.init, whole=False))
  return init(key, *arguments)['params']


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _step(
    probe: Probe,
    tx: optax.GradientTransformation,
    sample_rate: int,
    state: tuple[PyTree, Any],
    said: _Said,
) -> tuple[tuple[PyTree, Any], Float[Array, '']]:
  heard = _hear(probe, said)
  num_valid = heard.samples.sum().astype(jnp.float32)

  def loss(params: PyTree) -> Float[Array, '']:
    output = probe.apply(
        {'params': params}, said.ids, heard.spectra, heard.valid, whole=False
    )
    output = jnp.where(heard.samples, output, 0.0)
    return _WEIGHT * losses.spectral_loss(
        heard.target, output, num_valid, sample_rate
    )

  value, grads = jax.value_and_grad(loss)(state[0])
  updates, opt_state = tx.update(grads, state[1], state[0])
  return (optax.apply_updates(state[0], updates), opt_state), value / _WEIGHT


@functools.partial(jax.jit, static_argnums=0)
def _speak(probe: Probe, params: PyTree, said: _Said) -> Float[Array, 'B N']:
  heard = _hear(probe, said)
  return probe.apply(
      {'params': params}, said.ids, heard.spectra, heard.valid, whole=True
  )
