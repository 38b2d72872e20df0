"""Encoding of waveforms of any length in few shapes. Pure NumPy.

A clip is encoded in windows that its own length alone determines, so that its
tokens do not depend on the batch it travels in, and memory does not grow with
long recordings.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

# Longer clips are encoded in windows, whose margins are only heard. Semantic
# models are trained on crops no longer than a window.
WINDOW_SECONDS = 30.0
_MAX_SAMPLES = 2**21  # Encoded together; a codec's layers hold 32 times this.


class Window(NamedTuple):
  """A piece of one row, in frames.

  Attributes:
    row: Index of the row in the batch.
    start: First frame that is encoded.
    end: One past the last that is encoded.
    first: First frame whose codes are kept.
    stop: One past the last that is kept.
  """

  row: int
  start: int
  end: int
  first: int
  stop: int


def plan(
    num_frames: Int[np.ndarray, ' B'], size: int, margin: int
) -> list[Window]:
  """Windows of at most `size` frames that keep each frame of each row once.

  Neighbours overlap by twice the margin: a frame is kept where at least
  `margin` frames, or the clip's border, lie between it and the window's.
  """
  if size <= 2 * margin:
    raise ValueError(
        f'Windows of {size} frames have no frame with {margin} on both sides.'
    )
  windows = []
  for row, total in enumerate(num_frames.tolist()):
    stop = 0
    while stop < total:
      start = max(stop - margin, 0)
      end = min(start + size, total)
      first, stop = stop, end if end == total else end - margin
      windows.append(Window(row, start, end, first, stop))
  return windows


def bucket(num_frames: int) -> int:
  """The next of 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, ..."""
  step = 1 << max((num_frames - 1).bit_length() - 3, 3)
  return max(-(-num_frames // step) * step, 32)


def row_bucket(num_rows: int) -> int:
  """The next power of two."""
  return 1 << (num_rows - 1).bit_length()


def encode(
    encode_batch: Callable[..., Int[np.ndarray, 'b t Q']],
    waveform: Float[np.ndarray, 'B N'],
    lengths: Int[np.ndarray, ' B'],
    hop_length: int,
    num_levels: int,
    size: int,
    margin: int,
) -> Int[np.ndarray, 'B T Q']:
  """Encodes rows in windows; frames past the end of a row get zeros.

  Args:
    encode_batch: (waveform 'b n', lengths ' b') -> codes; called with few
      different shapes.
    waveform: N is a multiple of hop_length.
    lengths: Samples that belong to each row.
    hop_length: Samples a frame.
    num_levels: Codes a frame.
    size: Frames encoded at once.
    margin: Frames of context that a frame needs on both sides.
  """
  if waveform.shape[1] % hop_length:
    raise ValueError(
        f'{waveform.shape[1]} samples are not a multiple of the hop length'
        f' {hop_length}; pad the waveform.'
    )
  num_frames = waveform.shape[1] // hop_length
  codes = np.zeros((len(waveform), num_frames, num_levels), np.int32)
  windows = plan(-(-lengths // hop_length), size, margin)
  for group in _groups(windows, _MAX_SAMPLES // hop_length):
    pieces, piece_lengths = _cut(group, waveform, lengths, hop_length)
    encoded = encode_batch(pieces, piece_lengths)
    for window, row in zip(group, encoded, strict=False):
      kept = row[window.first - window.start : window.stop - window.start]
      codes[window.row, window.first : window.stop] = kept
  return codes


def _groups(windows: list[Window], max_frames: int) -> Iterator[list[Window]]:
  """Windows of similar lengths, longest first, that fit in one batch."""
  windows = sorted(windows, key=lambda window: window.start - window.end)
  while windows:
    longest = bucket(windows[0].end - windows[0].start)
    num_rows = row_bucket(max(max_frames // longest, 1) + 1) // 2
    yield windows[:num_rows]
    windows = windows[num_rows:]


def _cut(
    windows: list[Window],
    waveform: Float[np.ndarray, 'B N'],
    lengths: Int[np.ndarray, ' B'],
    hop_length: int,
) -> tuple[Float[np.ndarray, 'b n'], Int[np.ndarray, ' b']]:
  """Samples of the windows, padded with silence to shapes that recur."""
  num_frames = bucket(max(window.end - window.start for window in windows))
  shape = (row_bucket(len(windows)), num_frames * hop_length)
  pieces = np.zeros(shape, np.float32)
  # Rows that fill the batch up are whole clips of silence: a clip without a
  # frame would have nothing to attend to.
  piece_lengths = np.full(shape[0], shape[1], np.int32)
  for i, window in enumerate(windows):
    # What lies past the end of a clip must not be heard, even if not silent.
    end = min(window.end * hop_length, lengths[window.row])
    piece = waveform[window.row, window.start * hop_length : end]
    pieces[i, : len(piece)] = piece
    piece_lengths[i] = (window.end - window.start) * hop_length
  return pieces, piece_lengths
