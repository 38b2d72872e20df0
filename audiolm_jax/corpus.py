"""Corpora: a manifest of clips, and endless batches of crops drawn from it."""

import collections
import logging
import os
import pathlib
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax import audio, encodings, files
from audiolm_jax.clip import Clip, line_of, parse
from audiolm_jax.errors import UserError
from audiolm_jax.sound import finding

_PREFETCH = 2  # Batches read ahead of the one in use.
_THREADS = 2
_MAX_DAMAGED = 8  # Crops one after the other; then the corpus is to blame.

log = logging.getLogger(__name__)


class Crop(NamedTuple):
  """Some of a clip; shorter than what was asked for if the clip is."""

  clip: Clip
  samples: Float[np.ndarray, ' N']


def read_manifest(
    path: str | os.PathLike, split: str | None = None
) -> list[Clip]:
  """Reads JSON lines, one clip each; only those of `split` if one is named.

  `path` may be a glob: the manifests that match become one corpus.

  Raises:
    UserError: A manifest cannot be read, a line is no clip, or no clip is of
      the split.
  """
  paths = finding.matching(path) or [path]
  clips = [clip for path in paths for clip in _read_lines(path)]
  chosen = [clip for clip in clips if split in (None, clip.split)]
  if not clips:
    raise UserError(f'{path} lists no clip; audiolm corpus folder makes one.')
  if not chosen:
    splits = sorted({clip.split for clip in clips})
    raise UserError(
        f'{path} has no clip of split {split!r}; it has {splits}. Name one of'
        ' them (--split), or make it anew with a smaller --hold_out_every.'
    )
  return chosen


def write_manifest(path: str | os.PathLike, clips: Sequence[Clip]) -> None:
  """Writes JSON lines, all or none; paths become relative to its folder."""
  path = pathlib.Path(path).absolute()
  lines = [line_of(clip, path.parent) + '\n' for clip in clips]
  # Names that are no UTF-8 become what JSON writes for them: "\\udcff".
  content = ''.join(lines).encode('utf-8', errors='backslashreplace')
  files.write(path, content)


class AudioBatches(Iterator):
  """Random crops, for ever; batch n depends on the seed and on n only.

  A clip is drawn in proportion to its weight, then a crop of it. Clips shorter
  than the crop are followed by silence, and `length` says how many samples are
  theirs. Side by side, the batches of all shards are the batch of one shard.
  """

  def __init__(
      self,
      clips: Sequence[Clip],
      sample_rate: int,
      crop_seconds: float,
      batch_size: int,
      seed: int,
      shard_index: int = 0,
      num_shards: int = 1,
      weights: Sequence[float] | None = None,
  ):
    """Args: the weights of the clips are their seconds if None."""
    if not clips:
      raise UserError('There is no clip to draw from.')
    if batch_size % num_shards:
      raise UserError(
          f'A batch of {batch_size} clips cannot be shared by {num_shards}'
          ' hosts; make it a multiple of their number.'
      )
    self._clips = clips
    self._ends = np.cumsum(weights or [clip.seconds for clip in clips])
    self._sample_rate = sample_rate
    self._crop_seconds = crop_seconds
    self._batch_size = batch_size
    self._seed = seed
    rows = batch_size // num_shards
    self._rows = slice(shard_index * rows, (shard_index + 1) * rows)
    self._step = 0
    self._pool = futures.ThreadPoolExecutor(_THREADS)
    self._ahead = collections.deque()

  def __next__(self) -> dict[str, np.ndarray]:
    while len(self._ahead) <= _PREFETCH:
      step = self._step + len(self._ahead)
      self._ahead.append(self._pool.submit(self._batch, step))
    batch = self._ahead.popleft().result()
    self._step += 1
    return batch

  def get_state(self) -> dict[str, Any]:
    """The position of the next batch; JSON-able."""
    return {'step': self._step}

  def set_state(self, state: dict[str, Any]) -> None:
    """Continues where `state` was taken."""
    self._step = int(state['step'])
    self._ahead.clear()

  def _batch(self, step: int) -> dict[str, np.ndarray]:
    return self._stack([crop.samples for crop in self._crops(step)])

  def _crops(self, step: int) -> list[Crop]:
    draws = np.random.default_rng((self._seed, step))
    picks, offsets = draws.uniform(size=(2, self._batch_size))
    mine = zip(picks[self._rows], offsets[self._rows], strict=True)
    return [self._readable_crop(*draw) for draw in mine]

  def _stack(
      self, samples: Sequence[Float[np.ndarray, ' _']]
  ) -> dict[str, np.ndarray]:
    num_samples = round(self._crop_seconds * self._sample_rate)
    waveform = np.zeros((len(samples), num_samples), np.float32)
    for row, crop in zip(waveform, samples, strict=True):
      row[: len(crop)] = crop[:num_samples]
    length = [min(len(crop), num_samples) for crop in samples]
    return {'waveform': waveform, 'length': np.array(length, np.int32)}

  def _readable_crop(self, pick: float, offset: float) -> Crop:
    """One that is damaged gives way to another, the same one in every run."""
    draws = np.random.default_rng(int(pick * 2**53))
    for _ in range(_MAX_DAMAGED):
      try:
        return self._crop(pick, offset)
      except UserError as error:
        log.warning('Another crop takes its place: %s', error)
        pick, offset = draws.uniform(size=2)
    return self._crop(pick, offset)

  def _crop(self, pick: float, offset: float) -> Crop:
    index = np.searchsorted(self._ends, pick * self._ends[-1], side='right')
    clip = self._clips[index]
    start = offset * max(clip.seconds - self._crop_seconds, 0)
    samples = audio.read(
        clip.path, self._sample_rate, start, self._crop_seconds
    )
    return Crop(clip, samples)


def _read_lines(path: str | os.PathLike) -> list[Clip]:
  try:
    text = encodings.decoded(pathlib.Path(path).read_bytes())
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f'Cannot read the manifest {path}: {error}.') from error
  folder = pathlib.Path(path).absolute().parent
  return [
      parse(line, folder, f'{path}, line {number}')
      # splitlines would split at what may stand in names and transcripts.
      for number, line in enumerate(text.split('\n'), start=1)
      if line.strip()
  ]
