"""Steps of an extraction for one shard: read, tokenize, write."""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from concurrent import futures

import numpy as np

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.extraction.shards import Shard, Source, write_summary
from audiolm_jax.tokens.store import shards
from audiolm_jax.tokens.store.records import Record
from audiolm_jax.tokens.tokenizers.contract import Tokenizers, Tokens

log = logging.getLogger(__name__)

_READERS = 4


@dataclasses.dataclass(frozen=True)
class ShardAudio:
  """A shard's clips that could be read, and why the others could not."""

  shard: Shard
  sources: list[Source]
  waveforms: list[np.ndarray]
  failures: list[tuple[str, str]]
  sample_rate: int


def read(shard: Shard, sample_rate: int) -> ShardAudio:
  """Reads several files at a time; a bad one does not stop the others."""
  sources, waveforms, failures = [], [], []
  with futures.ThreadPoolExecutor(_READERS) as pool:
    found = pool.map(lambda source: _read(source, sample_rate), shard.sources)
    for source, waveform in zip(shard.sources, found, strict=True):
      if isinstance(waveform, UserError):
        log.warning('Skipped: %s', waveform)
        failures.append((source.path, str(waveform)))
      else:
        sources.append(source)
        waveforms.append(waveform)
  return ShardAudio(shard, sources, waveforms, failures, sample_rate)


def _read(source: Source, sample_rate: int) -> np.ndarray | UserError:
  try:
    return audio.read(source.path, sample_rate)
  except UserError as error:
    return error


def tokenize(
    waveforms: Sequence[np.ndarray],
    tokenizers: Tokenizers,
    batch_size: int,
    on_batch: Callable[[int], None] = lambda num_clips: None,
) -> list[Tokens]:
  """Tokens of each clip; those of similar length are tokenized together.

  Args:
    waveforms: At the tokenizers' rate.
    tokenizers: Makes the tokens.
    batch_size: Clips that are tokenized together.
    on_batch: Called after each batch with the number of its clips.
  """
  order = sorted(range(len(waveforms)), key=lambda i: len(waveforms[i]))
  tokens: list[Tokens] = [None] * len(waveforms)
  for first in range(0, len(order), batch_size):
    rows = order[first : first + batch_size]
    encoded = tokenizers.encode([waveforms[i] for i in rows])
    for i, clip in zip(rows, encoded, strict=True):
      tokens[i] = clip
    on_batch(len(rows))
  return tokens


def write(heard: ShardAudio, tokens: Sequence[Tokens]) -> int:
  """Writes the summary last: it says that the shard is done.

  Returns:
    The number of its clips.
  """
  records = _records(heard, tokens)
  written = shards.write(heard.shard.path, records)
  write_summary(
      heard.shard,
      {
          **written._asdict(),
          'seconds': sum(record.seconds for record in records),
          'failures': heard.failures,
      },
  )
  return len(records)


def _records(heard: ShardAudio, tokens: Sequence[Tokens]) -> list[Record]:
  return [
      Record(
          id=source.id,
          semantic=clip.semantic,
          acoustic=clip.acoustic,
          seconds=len(waveform) / heard.sample_rate,
          split=heard.shard.split,
          speaker=source.speaker,
      )
      for source, waveform, clip in zip(
          heard.sources, heard.waveforms, tokens, strict=True
      )
  ]
