"""What the extraction pipeline does to a shard: read, tokenize, write."""

import dataclasses
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics
from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.extraction.shards import Shard, Source, write_summary
from audiolm_jax.tokens.store import shards
from audiolm_jax.tokens.store.records import Record
from audiolm_jax.tokens.tokenizers.contract import Tokenizers, Tokens

log = logging.getLogger(__name__)

_NAMESPACE = 'extraction'
_READERS = 4


@dataclasses.dataclass(frozen=True)
class ShardAudio:
  """A shard's clips that could be read, and why the others could not."""

  shard: Shard
  sources: list[Source]
  waveforms: list[np.ndarray]
  failures: list[tuple[str, str]]
  sample_rate: int


class ReadAudio(beam.DoFn):
  """Shard to (path, ShardAudio); a bad file does not stop the others."""

  def __init__(self, sample_rate: int):
    super().__init__()
    self._sample_rate = sample_rate
    self._bad_files = Metrics.counter(_NAMESPACE, 'bad_files')

  def process(self, shard: Shard) -> Iterator[tuple[str, ShardAudio]]:
    """Reads several files at a time."""
    sources, waveforms, failures = [], [], []
    with futures.ThreadPoolExecutor(_READERS) as pool:
      for source, read in zip(
          shard.sources, pool.map(self._read, shard.sources), strict=True
      ):
        if isinstance(read, UserError):
          log.warning('Skipped: %s', read)
          self._bad_files.inc()
          failures.append((source.path, str(read)))
        else:
          sources.append(source)
          waveforms.append(read)
    yield shard.path, ShardAudio(
        shard, sources, waveforms, failures, self._sample_rate
    )

  def _read(self, source: Source) -> np.ndarray | UserError:
    try:
      return audio.read(source.path, self._sample_rate)
    except UserError as error:
      return error


class TokenizerHandler(ModelHandler[ShardAudio, PredictionResult, Tokenizers]):
  """Tokenizes the clips of a shard, those of similar length together."""

  def __init__(
      self, make_tokenizers: Callable[[], Tokenizers], batch_size: int
  ):
    # Shards are not gathered: each goes on as soon as it is read.
    super().__init__(min_batch_size=1, max_batch_size=1)
    self._make_tokenizers = make_tokenizers
    self._batch_size = batch_size

  def load_model(self) -> Tokenizers:
    """Makes the tokenizers, once a worker."""
    return self._make_tokenizers()

  def run_inference(
      self,
      batch: Sequence[ShardAudio],
      model: Tokenizers,
      inference_args: dict[str, Any] | None = None,
  ) -> list[PredictionResult]:
    """Tokens of every clip of every shard, in the order of the clips."""
    return [
        PredictionResult(shard, self._tokenize(shard.waveforms, model))
        for shard in batch
    ]

  def get_num_bytes(self, batch: Sequence[ShardAudio]) -> int:
    """Bytes of the samples; by default Beam would serialize them to count."""
    return sum(wave.nbytes for shard in batch for wave in shard.waveforms)

  def get_metrics_namespace(self) -> str:
    """Returns where Beam counts batches and their latency."""
    return _NAMESPACE

  def _tokenize(
      self, waveforms: list[np.ndarray], tokenizers: Tokenizers
  ) -> list[Tokens]:
    order = sorted(range(len(waveforms)), key=lambda i: len(waveforms[i]))
    tokens: list[Tokens] = [None] * len(waveforms)
    for first in range(0, len(order), self._batch_size):
      rows = order[first : first + self._batch_size]
      encoded = tokenizers.encode([waveforms[i] for i in rows])
      for i, clip in zip(rows, encoded, strict=True):
        tokens[i] = clip
    return tokens


class WriteShard(beam.DoFn):
  """(path, PredictionResult) to files; yields the number of clips."""

  def __init__(self):
    super().__init__()
    self._clips = Metrics.counter(_NAMESPACE, 'clips')

  def process(self, element: tuple[str, PredictionResult]) -> Iterator[int]:
    """Writes the summary last: it says that the shard is done."""
    _, result = element
    shard = result.example.shard
    records = _records(result.example, result.inference)
    written = shards.write(shard.path, records)
    write_summary(
        shard,
        {
            **written._asdict(),
            'seconds': sum(record.seconds for record in records),
            'failures': result.example.failures,
        },
    )
    self._clips.inc(len(records))
    yield len(records)


def _records(read: ShardAudio, tokens: Sequence[Tokens]) -> list[Record]:
  return [
      Record(
          id=source.id,
          semantic=clip.semantic,
          acoustic=clip.acoustic,
          seconds=len(waveform) / read.sample_rate,
          split=read.shard.split,
          speaker=source.speaker,
      )
      for source, waveform, clip in zip(
          read.sources, read.waveforms, tokens, strict=True
      )
  ]
