"""Endless batches of what was packed, from memory. Pure NumPy."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int8

from audiolm_jax.tokens import crops, frames
from audiolm_jax.tokens.layout import Codes, Stage
from launch.sprint import sounds

# Crops that are restored at once, for the memory it takes.
_TOGETHER = 512


def of_sounds(
    codes: Int8[np.ndarray, 'n N'],
    bits: int,
    lengths: Sequence[int],
    num_samples: int,
    batch_size: int,
    seed: int,
) -> Iterator[dict[str, np.ndarray]]:
  """Random windows of crops, as corpus.AudioBatches would give them.

  Args:
    codes: Codes as sounds.rounded returns them.
    bits: Bits of each code.
    lengths: Samples of each crop that are not padding.
    num_samples: Length of the windows.
    batch_size: Windows a batch.
    seed: Seed of the draws.
  """
  random = np.random.default_rng(seed)
  waveforms = np.concatenate(
      [
          sounds.restored(codes[i : i + _TOGETHER], bits).astype(np.float16)
          for i in range(0, len(codes), _TOGETHER)
      ]
  )
  num_samples = min(num_samples, waveforms.shape[1])
  lengths = np.array(lengths)
  while True:
    picks = random.integers(len(waveforms), size=batch_size)
    last = np.maximum(lengths[picks] - num_samples, 0)
    starts = random.integers(last + 1)
    columns = starts[:, None] + np.arange(num_samples)[None]
    yield {
        'waveform': waveforms[picks[:, None], columns].astype(np.float32),
        'length': np.minimum(lengths[picks], num_samples).astype(np.int32),
    }


def of_tokens(
    recordings: Sequence[Codes],
    stage: Stage,
    seconds: tuple[float, float],
    batch_size: int,
    seed: int,
) -> Iterator[dict[str, np.ndarray]]:
  """Random windows of recordings, as tokens.batches.windows would give them.

  Args:
    recordings: Codes of both sources.
    stage: Layout of the tokens (soundstorm.stage).
    seconds: Length of the shortest windows, and of the longest.
    batch_size: Windows a batch.
    seed: Seed of the draws.
  """
  shortest, longest = (
      max(round(x * float(stage.units_per_second)), 1) for x in seconds
  )
  windows = _windows(recordings, stage, min(shortest, longest), longest, seed)
  while True:
    rows = [next(windows) for _ in range(batch_size)]
    semantic, acoustic, lengths = zip(*rows, strict=True)
    yield {
        'semantic': np.stack(semantic).astype(np.int32),
        'acoustic': np.stack(acoustic).astype(np.int32),
        'lengths': np.array(lengths, np.int32),
    }


def _windows(
    recordings: Sequence[Codes],
    stage: Stage,
    shortest: int,
    longest: int,
    seed: int,
) -> Iterator[frames.Window]:
  """All recordings in one order after the other, for ever."""
  random = np.random.default_rng(seed)
  while True:
    for index in random.permutation(len(recordings)):
      codes = recordings[index]
      num_units = crops.num_units(stage, codes)
      for start, length in frames.random_spans(
          num_units, shortest, longest, random
      ):
        yield frames.cut(stage, codes, start, length, longest)
