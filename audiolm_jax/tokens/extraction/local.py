"""An extraction by this process alone, without Beam."""

from collections.abc import Sequence
from concurrent import futures

from audiolm_jax.progress import Reporter
from audiolm_jax.tokens.extraction import steps
from audiolm_jax.tokens.extraction.shards import Shard
from audiolm_jax.tokens.tokenizers.contract import Tokenizers


def run(
    shards: Sequence[Shard], tokenizers: Tokenizers, batch_size: int
) -> None:
  """Makes shards one by one; the next is read while one is tokenized."""
  total = sum(len(shard.sources) for shard in shards)
  with (
      Reporter('Extracting', total, 'clips') as reporter,
      futures.ThreadPoolExecutor(1) as pool,
  ):
    done = 0

    def count(num_clips: int) -> None:
      nonlocal done
      done += num_clips
      reporter.at(done)

    coming = pool.submit(steps.read, shards[0], tokenizers.sample_rate)
    for following in [*shards[1:], None]:
      heard = coming.result()
      if following is not None:
        coming = pool.submit(steps.read, following, tokenizers.sample_rate)
      tokens = steps.tokenize(heard.waveforms, tokenizers, batch_size, count)
      steps.write(heard, tokens)
      count(len(heard.failures))
