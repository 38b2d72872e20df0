"""A codec at fewer quantizer levels, and how it uses its codebooks."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from audiolm_jax import progress
from audiolm_jax.evaluation.metrics.fidelity import Metric

LEVELS = (1, 2, 4, 8, 12)
Decode = Callable[[Int[np.ndarray, 'B T q']], Float[np.ndarray, 'B N']]


class Reconstruction(NamedTuple):
  """Quality by number of levels kept.

  Attributes:
    levels: Number of levels kept, ascending.
    scores: Metric name -> mean over clips, one number for each of `levels`.
    improves: Metric name -> whether every further level helped.
    units: Metric name -> unit.
    num_clips: Clips that the means are over.
    seconds: Their duration in all.
  """

  levels: list[int]
  scores: dict[str, list[float]]
  improves: dict[str, bool]
  units: dict[str, str]
  num_clips: int
  seconds: float


def levels_to_keep(num_quantizers: int) -> list[int]:
  """1, 2, 4, 8, 12 as far as they exist, and all."""
  fewer = [level for level in LEVELS if level < num_quantizers]
  return [*fewer, num_quantizers]


def evaluate(
    codes: Int[np.ndarray, 'B T Q'],
    decode: Decode,
    waveforms: Float[np.ndarray, 'B N'],
    lengths: Int[np.ndarray, ' B'],
    sample_rate: int,
    metrics: Sequence[Metric],
) -> Reconstruction:
  """Decodes the first levels of codes and compares with the waveforms.

  Args:
    codes: Codes that the codec made of `waveforms`.
    decode: Codes of the first q levels -> waveforms.
    waveforms: The originals, zero-padded to one length.
    lengths: True samples of each.
    sample_rate: Sample rate of `waveforms`, Hz.
    metrics: Comparisons of an original with its reconstruction.
  """
  levels = levels_to_keep(codes.shape[-1])
  scores: dict[str, list[float]] = {metric.name: [] for metric in metrics}
  for level in levels:
    estimates = decode(codes[..., :level])
    pairs = [
        (waveform[:length], estimate[:length])
        for waveform, estimate, length in zip(
            waveforms, estimates, lengths, strict=True
        )
    ]
    for metric in metrics:
      what = f'{metric.name} of {level} levels'
      values = [
          metric.measure(*pair, sample_rate)
          for pair in progress.follow(pairs, what)
      ]
      scores[metric.name].append(mean_of_defined(values))
  return Reconstruction(
      levels=levels,
      scores=scores,
      improves={
          metric.name: improves(scores[metric.name], metric.higher_is_better)
          for metric in metrics
      },
      units={metric.name: metric.unit for metric in metrics},
      num_clips=len(waveforms),
      seconds=float(lengths.sum() / sample_rate),
  )


def improves(values: Sequence[float], higher_is_better: bool) -> bool:
  """Says whether each value is better than the one before."""
  steps = np.diff(values)
  return bool(np.all(steps > 0) if higher_is_better else np.all(steps < 0))


def mean_of_defined(values: Sequence[float]) -> float:
  """Mean of what is not NaN; NaN if nothing is left."""
  defined = [value for value in values if not np.isnan(value)]
  return float(np.mean(defined)) if defined else float('nan')


class CodebookUse(NamedTuple):
  """Measures of how evenly each level's codes are used.

  Attributes:
    perplexity: exp(entropy of the codes) / codebook_size a level: 1 if all are
      used alike. Few frames bias it down: it cannot exceed num_frames / size.
    used: Share of the codes that occur at all.
    bitrate: kbit/s of the levels up to each as fixed-length codes.
    entropy_bitrate: Bitrate, were each level entropy-coded (SoundStream s. V-E,
      with the held-out clips' own counts).
    num_frames: Frames counted.
    codebook_size: Codes a level.
  """

  perplexity: list[float]
  used: list[float]
  bitrate: list[float]
  entropy_bitrate: list[float]
  num_frames: int
  codebook_size: int


def codebook_use(
    codes: Int[np.ndarray, 'T Q'], codebook_size: int, frame_rate: float
) -> CodebookUse:
  """Counts the codes of each level over all frames, `frame_rate` a second."""
  counts = [np.bincount(level, minlength=codebook_size) for level in codes.T]
  entropies = np.array([entropy(count) for count in counts])
  fixed = np.full(len(counts), np.log(codebook_size))
  kilobits = frame_rate / np.log(2) / 1000
  return CodebookUse(
      perplexity=(np.exp(entropies) / codebook_size).tolist(),
      used=[float((count > 0).mean()) for count in counts],
      bitrate=(kilobits * fixed.cumsum()).tolist(),
      entropy_bitrate=(kilobits * entropies.cumsum()).tolist(),
      num_frames=len(codes),
      codebook_size=codebook_size,
  )


def entropy(counts: np.ndarray) -> float:
  """Entropy in nats of the distribution that counts describe."""
  share = counts[counts > 0] / counts.sum()
  return float(-(share * np.log(share)).sum())
