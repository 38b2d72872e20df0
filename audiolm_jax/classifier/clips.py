"""A classifier of seconds asked about clips of any length (s. IV-D, IV-H)."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree

from audiolm_jax.audio import Sound
from audiolm_jax.classifier.model import Classifier

WINDOW_SECONDS = 1.0
HOP_SECONDS = 0.25
# Windows computed at once, always as many: one program, and answers that do not
# depend on what else is asked.
_BATCH_SIZE = 32


class Verdict(NamedTuple):
  """A classifier's verdict on a clip, in all and second by second.

  Attributes:
    labels: Names of the classes.
    probabilities: Probability of each class.
    track: The same for each second; the last may be a part of one.
  """

  labels: tuple[str, ...]
  probabilities: Float[np.ndarray, ' V']
  track: Float[np.ndarray, 'T V']

  @property
  def label(self) -> str:
    """The most probable one."""
    return self.labels[int(self.probabilities.argmax())]

  def probability(self, label: str) -> float:
    """Returns the probability of one class."""
    return float(self.probabilities[self.labels.index(label)])


@dataclasses.dataclass(frozen=True, eq=False)
class ClipClassifier:
  """Windows of a second, 250 ms apart, and one verdict of all of them.

  The papers do not say how windows are aggregated. Here it is the mean of their
  log-probabilities: the product of experts, in which a window that is sure
  outweighs some that are not.

  Attributes:
    model: Classifier of windows of a second.
    variables: Its parameters and the statistics of its batch norms.
  """

  model: Classifier
  variables: PyTree

  @property
  def labels(self) -> tuple[str, ...]:
    """Names of the classes."""
    return self.model.labels

  @property
  def sample_rate(self) -> int:
    """Sample rate of the clips, in Hz."""
    return self.model.sample_rate

  def classify(self, sound: Sound) -> Verdict:
    """Says what a clip is, of any length but zero; under a second is padded."""
    waveform = sound.at(self.sample_rate)
    window = round(WINDOW_SECONDS * self.sample_rate)
    starts = self.starts(len(waveform))
    logs = self.log_probabilities(waveform, starts)
    heard = windows_of_seconds(starts, window, len(waveform), self.sample_rate)
    return Verdict(
        self.labels,
        aggregate(logs),
        np.stack([aggregate(logs[mask]) for mask in heard]),
    )

  def starts(self, length: int) -> Int[np.ndarray, ' W']:
    """Returns the first samples of the windows of a clip."""
    window = round(WINDOW_SECONDS * self.sample_rate)
    return window_starts(length, window, round(HOP_SECONDS * self.sample_rate))

  def log_probabilities(
      self, waveform: Float[np.ndarray, ' N'], starts: Int[np.ndarray, ' W']
  ) -> Float[np.ndarray, 'W V']:
    """Returns what the model says of each window."""
    return np.concatenate(list(self._log_probabilities(waveform, starts)))

  def _log_probabilities(
      self, waveform: Float[np.ndarray, ' N'], starts: Int[np.ndarray, ' W']
  ) -> Iterator[Float[np.ndarray, 'B V']]:
    window = round(WINDOW_SECONDS * self.sample_rate)
    waveform = np.pad(waveform, (0, max(window - len(waveform), 0)))
    views = np.lib.stride_tricks.sliding_window_view(waveform, window)
    for first in range(0, len(starts), _BATCH_SIZE):
      rows = views[starts[first : first + _BATCH_SIZE]]
      batch = np.zeros((_BATCH_SIZE, window), np.float32)
      batch[: len(rows)] = rows
      yield np.asarray(self._apply(self.variables, batch))[: len(rows)]

  @functools.cached_property
  def _apply(self):
    def apply(
        variables: PyTree, batch: Float[Array, 'B N']
    ) -> Float[Array, 'B V']:
      return jax.nn.log_softmax(self.model.apply(variables, batch))

    return jax.jit(apply)


def window_starts(length: int, window: int, hop: int) -> Int[np.ndarray, ' W']:
  """First samples of windows; the last one ends with the clip."""
  last = max(length - window, 0)
  return np.array(sorted({*range(0, last + 1, hop), last}))


def aggregate(logs: Float[np.ndarray, 'W V']) -> Float[np.ndarray, ' V']:
  """Probabilities from the mean of log-probabilities."""
  mean = logs.mean(axis=0, dtype=np.float64)
  weights = np.exp(mean - mean.max())
  return weights / weights.sum()


def accuracy(verdicts: Sequence[Verdict], labels: Sequence[str]) -> list[float]:
  """1 for each clip whose most probable label is the true one, else 0."""
  return [
      float(verdict.label == label)
      for verdict, label in zip(verdicts, labels, strict=True)
  ]


def windows_of_seconds(
    starts: Int[np.ndarray, ' W'], window: int, length: int, sample_rate: int
) -> Bool[np.ndarray, 'T W']:
  """Returns which windows hold half of a second, or of what there is of it."""
  return np.stack(
      [
          _heard(starts, window, (start, min(start + sample_rate, length)))
          for start in range(0, length, sample_rate)
      ]
  )


def _heard(
    starts: Int[np.ndarray, ' W'], window: int, second: tuple[int, int]
) -> np.ndarray:
  """Returns which windows hold half of a second, or of what there is of it."""
  begin, end = second
  overlap = np.minimum(starts + window, end) - np.maximum(starts, begin)
  return 2 * overlap >= end - begin
