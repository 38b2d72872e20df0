"""Closeness of an estimate to a reference waveform, without a listener."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax.evaluation.metrics import mel

Measure = Callable[
    [Float[np.ndarray, ' N'], Float[np.ndarray, ' N'], int], float
]


class Metric(NamedTuple):
  """A comparison of two waveforms.

  Attributes:
    name: Key in report.json.
    unit: Unit of the number, '' for a score.
    higher_is_better: Whether a higher number means better quality.
    measure: (reference, estimate, sample_rate) -> number, NaN if undefined.
  """

  name: str
  unit: str
  higher_is_better: bool
  measure: Measure


def mel_distance(
    reference: Float[np.ndarray, ' N'],
    estimate: Float[np.ndarray, ' N'],
    sample_rate: int,
) -> float:
  """Mean absolute difference of log-mel spectrograms in dB.

  What lies 60 dB under the reference's loudest band counts as silence.
  """
  reference_db = mel.log_mel_db(reference, sample_rate)
  estimate_db = mel.log_mel_db(estimate, sample_rate)
  floor = reference_db.max() - mel.DYNAMIC_RANGE_DB
  difference = np.maximum(reference_db, floor) - np.maximum(estimate_db, floor)
  return float(np.abs(difference).mean())


def spectral_correlation(
    reference: Float[np.ndarray, ' N'],
    estimate: Float[np.ndarray, ' N'],
    sample_rate: int,
) -> float:
  """Correlation of the two log-mel spectrograms, 1 for the same sound.

  Each band's own mean over both is taken out first: two recordings of the same
  voice share their long-term spectrum, which says nothing of their content.
  """
  pair = np.stack(
      [mel.log_mel_db(x, sample_rate) for x in (reference, estimate)]
  )
  floor = pair[0].max() - mel.DYNAMIC_RANGE_DB
  pair = np.maximum(pair, floor)
  first, second = pair - pair.mean(axis=1, keepdims=True)
  scale = np.sqrt((first**2).sum() * (second**2).sum())
  return float((first * second).sum() / scale) if scale > 0 else 0.0


def si_snr(
    reference: Float[np.ndarray, ' N'],
    estimate: Float[np.ndarray, ' N'],
    sample_rate: int,
) -> float:
  """Scale-invariant signal-to-noise ratio in dB, within +-100; any rate."""
  del sample_rate
  reference = reference.astype(np.float64) - reference.mean()
  estimate = estimate.astype(np.float64) - estimate.mean()
  energy = reference @ reference
  if energy == 0:
    return float('nan')
  target = (estimate @ reference) / energy * reference
  noise = estimate - target
  # Keeps a perfect copy, and an estimate of silence, finite.
  least = 1e-10 * (estimate @ estimate) + 1e-30
  ratio = (target @ target + 1e-20 * energy) / (noise @ noise + least)
  return float(np.clip(10.0 * np.log10(ratio), -100.0, 100.0))


MEL_DISTANCE = Metric('mel_distance', 'dB', False, mel_distance)
SI_SNR = Metric('si_snr', 'dB', True, si_snr)
