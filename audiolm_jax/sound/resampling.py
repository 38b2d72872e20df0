"""Other sample rates, block by block."""

from collections.abc import Iterator

import numpy as np
import soxr
from jaxtyping import Float

Waveforms = Iterator[Float[np.ndarray, ' N']]


def length(samples: int, source_rate: int, target_rate: int) -> int:
  """Returns how many samples become of `samples`: never none."""
  return max(round(samples * target_rate / source_rate), 1)


def resampled(
    blocks: Waveforms, source_rate: int, target_rate: int
) -> Waveforms:
  """Yields exactly `length` samples of what the blocks hold, if anything."""
  if source_rate == target_rate:
    yield from blocks
    return
  stream = soxr.ResampleStream(source_rate, target_rate, 1, dtype='float32')
  heard = given = 0
  for block in blocks:
    heard += len(block)
    part = stream.resample_chunk(block)
    given += len(part)
    yield part
  if heard:
    # The filter holds samples back until it is told that no more come. soxr
    # rounds their number its own way; callers count on `length`.
    rest = stream.resample_chunk(np.zeros(0, np.float32), last=True)
    missing = length(heard, source_rate, target_rate) - given
    rest = rest[: max(missing, 0)]
    yield np.pad(rest, (0, max(missing, 0) - len(rest)))
