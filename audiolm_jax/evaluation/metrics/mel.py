"""Mel spectrograms and cepstra as measuring sticks; no model reads these."""

import functools

import jax
import numpy as np
from jaxtyping import Float

from audiolm_jax import audio
from audiolm_jax.nn import spectral

WINDOW_SECONDS = 0.064
HOP_SECONDS = 0.016
NUM_MELS = 80
# About the range between a loud vowel and a quiet room.
DYNAMIC_RANGE_DB = 60.0
# Cepstra as speech recognisers have used them since the 1980s.
NUM_CEPSTRA = 13
NUM_CEPSTRAL_MELS = 40


def log_mel_db(
    waveform: Float[np.ndarray, ' N'], sample_rate: int
) -> Float[np.ndarray, 'T M']:
  """Power of 80 mel bands in dB, every 16 ms; -100 dB at the least."""
  hop = round(HOP_SECONDS * sample_rate)
  return _log_mel_db(waveform, sample_rate, NUM_MELS, hop)


def mfcc_with_deltas(
    waveform: Float[np.ndarray, ' N'], sample_rate: int, hop_length: int
) -> Float[np.ndarray, 'T D']:
  """13 cepstra with first and second differences, one row a whole hop.

  Row t is centred on hop t, as a tokenizer's frame is.
  """
  mel = _log_mel_db(waveform, sample_rate, NUM_CEPSTRAL_MELS, hop_length)
  cepstra = mel @ _cosines(NUM_CEPSTRAL_MELS, NUM_CEPSTRA)
  slopes = _difference(cepstra)
  return np.concatenate([cepstra, slopes, _difference(slopes)], axis=1)


def _log_mel_db(
    waveform: Float[np.ndarray, ' N'],
    sample_rate: int,
    num_mels: int,
    hop_length: int,
) -> Float[np.ndarray, 'T M']:
  # Whole seconds: one compilation serves clips of nearly the same length. The
  # spectrogram pads with silence anyway, so the frames that stay do not change.
  padded = audio.pad_to_multiple(waveform.astype(np.float32), sample_rate)
  nats = _jitted_log_mel(
      padded[None],
      sample_rate,
      num_mels,
      window=max(round(WINDOW_SECONDS * sample_rate), hop_length),
      hop=hop_length,
      floor=1e-10,
  )
  db = np.asarray(nats[0]) * np.float32(10.0 / np.log(10.0))
  return db[: len(waveform) // hop_length]


_jitted_log_mel = jax.jit(
    spectral.log_mel,
    static_argnums=(1, 2),
    static_argnames=('window', 'hop', 'floor'),
)


@functools.lru_cache
def _cosines(num_mels: int, num_cepstra: int) -> Float[np.ndarray, 'M C']:
  """The discrete cosine transform that turns bands into cepstra."""
  places = (np.arange(num_mels) + 0.5) * np.pi / num_mels
  waves = np.cos(places[:, None] * np.arange(num_cepstra)[None])
  return (waves * (2.0 / num_mels) ** 0.5).astype(np.float32)


def _difference(frames: Float[np.ndarray, 'T D']) -> Float[np.ndarray, 'T D']:
  """Half the step from the frame before to the one after."""
  padded = np.pad(frames, ((1, 1), (0, 0)), mode='edge')
  return (padded[2:] - padded[:-2]) / 2
