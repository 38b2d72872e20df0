"""Naturalness of a voice to a listener, without a reference: DNSMOS."""

from collections.abc import Callable

import numpy as np
import soxr
from jaxtyping import Float

from audiolm_jax.evaluation.listeners import networks
from audiolm_jax.evaluation.tables import Missing, missing

# (waveform, sample_rate) -> predicted mean opinion score, NaN for silence.
MosPredictor = Callable[[Float[np.ndarray, ' N'], int], float]

_RATE = 16000
# Samples that the network hears at once: 9.01 s.
_WINDOW = 144160
_MODEL = 'dnsmos_models/sig_bak_ovr.onnx'
# From what the network says to the scale of listeners.
_OVERALL = np.poly1d([-0.06766283, 1.11546468, 0.04602535])


def dnsmos() -> MosPredictor | Missing:
  """DNSMOS P.835's overall score, 1 (bad) to 5, or how to install it.

  It was made for speech under noise: it does not hear a narrow band, nor a
  light codec, and it says nothing of music. A clip is heard in windows of 9 s,
  a shorter one over and over until it fills one; the package moves the window
  by 1 s, which takes five times as long.
  """
  session = networks.session('speechmos', _MODEL, missing('speechmos'))
  if isinstance(session, Missing):
    return session
  name = session.get_inputs()[0].name

  def predict_mos(waveform: Float[np.ndarray, ' N'], sample_rate: int) -> float:
    if not np.any(waveform):
      return float('nan')
    mono = np.asarray(waveform, np.float32)
    if sample_rate != _RATE:
      mono = soxr.resample(mono, sample_rate, _RATE)
    scores = [
        session.run(None, {name: window[None]})[0][0, 2]
        for window in _windows(np.clip(mono, -1, 1))
    ]
    return float(_OVERALL(np.array(scores)).mean())

  return predict_mos


def _windows(mono: Float[np.ndarray, ' N']) -> Float[np.ndarray, 'B W']:
  mono = np.tile(mono, -(-_WINDOW // len(mono)))
  count = len(mono) // _WINDOW
  return mono[: count * _WINDOW].reshape(count, _WINDOW)
