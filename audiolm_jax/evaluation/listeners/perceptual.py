"""Models of a listener's opinion: ViSQOL and PESQ, from the extra [eval].

Neither is to be believed alone: ViSQOL does not hear phase, and PESQ was made
for telephones.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import soxr
from jaxtyping import Float

from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.metrics.fidelity import Metric

MISSING = "{} is missing: pip install 'audiolm_jax[eval]', or pass --{}."
# Sample rates that the two modes of ViSQOL were fitted on.
VISQOL_RATES = {'speech': 16000, 'audio': 48000}


def visqol(mode: str) -> Metric:
  """ViSQOL's MOS-LQO, 1 (bad) to 5, by its lattice model for speech.

  Args:
    mode: 'speech' (16 kHz) or 'audio' (48 kHz; for music).

  Raises:
    UserError: the package or its lattice model is missing. Without the lattice
      it would quietly over-predict, so that is refused.
  """
  return Metric('visqol', 'MOS', True, _visqol_field(mode, 'moslqo'))


def visqol_similarity(mode: str) -> Metric:
  """The similarity behind ViSQOL's MOS: NSIM of the spectrograms, at most 1.

  The lattice that makes a MOS of it is flat for much degraded speech, and not
  monotone there; the similarity still tells better from worse.

  Raises:
    UserError: as `visqol`.
  """
  measure = _visqol_field(mode, 'vnsim')
  return Metric('visqol_similarity', 'NSIM', True, measure)


def _visqol_field(mode: str, field: str) -> Callable[..., float]:
  measure = _visqol(mode)

  def read(
      reference: Float[np.ndarray, ' N'],
      estimate: Float[np.ndarray, ' N'],
      sample_rate: int,
  ) -> float:
    rate = VISQOL_RATES[mode]
    pair = [_resample(x, sample_rate, rate) for x in (reference, estimate)]
    samples = [np.asarray(x, np.float32).tobytes() for x in pair]
    return float(getattr(measure(*samples), field))

  return read


@functools.cache
def _visqol(mode: str) -> Callable[[bytes, bytes], Any]:
  """The package's verdict; both metrics ask for the same pairs."""
  try:
    from visqol import VisqolApi

    api = VisqolApi()
    api.create(mode=mode, use_lattice_model=mode == 'speech')
  except ImportError as e:
    message = MISSING.format('visqol-python[lattice]', 'visqol=off')
    raise UserError(message) from e

  @functools.lru_cache(maxsize=64)
  def measure(reference: bytes, estimate: bytes) -> Any:
    pair = [np.frombuffer(x, np.float32) for x in (reference, estimate)]
    return api.measure_from_arrays(*pair, VISQOL_RATES[mode])

  return measure


def pesq() -> Metric:
  """PESQ's wide-band MOS-LQO, 1.04 to 4.64; NaN where it finds no speech.

  Raises:
    UserError: the package is missing.
  """
  try:
    import pesq as package
  except ImportError as e:
    raise UserError(MISSING.format('pesq', 'nopesq')) from e

  def measure(
      reference: Float[np.ndarray, ' N'],
      estimate: Float[np.ndarray, ' N'],
      sample_rate: int,
  ) -> float:
    pair = [_resample(x, sample_rate, 16000) for x in (reference, estimate)]
    score = package.pesq(
        16000, *pair, 'wb', on_error=package.PesqError.RETURN_VALUES
    )
    return float(score) if score > 0 else float('nan')

  return Metric('pesq', 'MOS', True, measure)


def _resample(
    waveform: Float[np.ndarray, ' N'], rate: int, new_rate: int
) -> Float[np.ndarray, ' M']:
  if rate == new_rate:
    return waveform
  return soxr.resample(waveform, rate, new_rate)
