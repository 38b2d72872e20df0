"""The steps of an extraction as Apache Beam's transforms."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from audiolm_jax.tokens.extraction import steps
from audiolm_jax.tokens.extraction.shards import Shard
from audiolm_jax.tokens.extraction.steps import ShardAudio
from audiolm_jax.tokens.tokenizers.contract import Tokenizers

_NAMESPACE = 'extraction'


class ReadAudio(beam.DoFn):
  """Shard to (path, ShardAudio)."""

  def __init__(self, sample_rate: int):
    super().__init__()
    self._sample_rate = sample_rate
    self._bad_files = Metrics.counter(_NAMESPACE, 'bad_files')

  def process(self, shard: Shard) -> Iterator[tuple[str, ShardAudio]]:
    """Reads the clips of a shard."""
    heard = steps.read(shard, self._sample_rate)
    self._bad_files.inc(len(heard.failures))
    yield shard.path, heard


class TokenizerHandler(ModelHandler[ShardAudio, PredictionResult, Tokenizers]):
  """Tokenizes the clips of a shard."""

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
        PredictionResult(
            heard, steps.tokenize(heard.waveforms, model, self._batch_size)
        )
        for heard in batch
    ]

  def get_num_bytes(self, batch: Sequence[ShardAudio]) -> int:
    """Bytes of the samples; by default Beam would serialize them to count."""
    return sum(wave.nbytes for heard in batch for wave in heard.waveforms)

  def get_metrics_namespace(self) -> str:
    """Returns where Beam counts batches and their latency."""
    return _NAMESPACE


class WriteShard(beam.DoFn):
  """(path, PredictionResult) to files; yields the number of clips."""

  def __init__(self):
    super().__init__()
    self._clips = Metrics.counter(_NAMESPACE, 'clips')

  def process(self, element: tuple[str, PredictionResult]) -> Iterator[int]:
    """Writes a shard."""
    _, result = element
    num_clips = steps.write(result.example, result.inference)
    self._clips.inc(num_clips)
    yield num_clips
