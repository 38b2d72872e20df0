"""The detector's verdict as a phrase and as a track over time."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from audiolm_jax.classifier.labels import GENERATED
from audiolm_jax.classifier.listening import Heard


def phrase(heard: Heard, labels: Sequence[str], prompt_seconds: float) -> str:
  """A sentence with the detector's verdict and the end of the prompt."""
  truth = f'generated from {prompt_seconds:.1f} s on, in truth'
  if heard.probabilities is None:
    return f'The detector cannot say: {heard.reason} ({truth}).'
  best = int(heard.probabilities.argmax())
  where = ''
  if heard.run:
    where = f' from {heard.run[0]:.1f} to {heard.run[1]:.1f} s'
  return (
      f'The detector says: {labels[best]}{where}, with probability'
      f' {heard.probabilities[best]:.3f} ({truth}).'
  )


def track(heard: Heard, labels: Sequence[str]) -> Float[np.ndarray, ' T']:
  """Probability that a second is generated; NaN where there is no verdict."""
  if GENERATED not in labels:
    return np.full(len(heard.track), np.nan)
  at = labels.index(GENERATED)
  return np.array(
      [np.nan if row is None else float(row[at]) for row in heard.track]
  )
