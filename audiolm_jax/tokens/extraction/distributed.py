"""An extraction by many workers: an Apache Beam pipeline that can be killed."""

from collections.abc import Callable, Sequence

import apache_beam as beam
from apache_beam.ml.inference.base import KeyedModelHandler, RunInference
from apache_beam.options.pipeline_options import PipelineOptions

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.extraction.shards import Shard
from audiolm_jax.tokens.extraction.transforms import (
    ReadAudio,
    TokenizerHandler,
    WriteShard,
)
from audiolm_jax.tokens.extraction.watch import Watch
from audiolm_jax.tokens.tokenizers.contract import Tokenizers

_BEAM_SAYS = ' [while running '


def run(
    shards: Sequence[Shard],
    make_tokenizers: Callable[[], Tokenizers],
    sample_rate: int,
    batch_size: int,
    options: PipelineOptions,
) -> None:
  """Makes shards on the runner that the options name.

  A shard travels through the pipeline as one element.
  """
  handler = TokenizerHandler(make_tokenizers, batch_size)
  with Watch(shards):
    try:
      with beam.Pipeline(options=options) as pipeline:
        _ = (
            pipeline
            | 'Shards' >> beam.Create(shards)
            # Lets workers share the shards.
            | 'Deal' >> beam.Reshuffle()
            | 'Read' >> beam.ParDo(ReadAudio(sample_rate))
            | 'Tokenize' >> RunInference(KeyedModelHandler(handler))
            | 'Write' >> beam.ParDo(WriteShard())
        )
    except UserError as error:
      # Beam appends in which step it was.
      raise UserError(str(error).partition(_BEAM_SAYS)[0]) from error
