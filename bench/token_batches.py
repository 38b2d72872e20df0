"""Cost of reading a token store, through seqio and through Grain.

  taskset -c 0 python -m bench.token_batches

One JSON object a line for each library: CPU seconds to import it and to the
first batch, sequences that a CPU second makes, and the most memory that the
process had.
Each is measured in a process of its own. Tokens are random, which changes no
speed: clips of 40 s, sequences of the coarse stage of the paper.
"""

import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time

import jax  # noqa: F401
import optax  # noqa: F401
import orbax.checkpoint  # noqa: F401
from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.batches import sequences
from bench import token_store

READER = flags.DEFINE_string(
    'reader', None, 'Measures this one only, in this process.'
)
TOKENS = flags.DEFINE_string('tokens', None, 'Token store that is read.')
CROP_SECONDS = flags.DEFINE_float(
    'crop_seconds', 10.0, 'Seconds of a sequence.'
)
BATCH_SIZE = flags.DEFINE_integer(
    'batch_size', 64, 'Number of sequences in a batch.'
)
BATCHES = flags.DEFINE_integer(
    'batches', 20, 'Number of batches that are timed.'
)

_READERS = ('seqio_reader', 'grain_reader')


def measure(name: str, folder: str) -> dict[str, float | str]:
  """Costs of one library, beside those of what every training imports."""
  before, here = time.process_time(), _gib()
  reader = importlib.import_module(f'audiolm_jax.tokens.batches.{name}')
  imported = time.process_time()
  data = sequences.batches(
      folder,
      stages.coarse(token_store.SIZES),
      'train',
      CROP_SECONDS.value,
      BATCH_SIZE.value,
      seed=0,
      reader=reader.sequences,
  )
  next(data)
  first = time.process_time()
  for _ in range(BATCHES.value):
    next(data)
  seconds = time.process_time() - first
  return {
      'reader': name,
      'import_cpu_seconds': imported - before,
      'first_batch_cpu_seconds': first - imported,
      'sequences_per_cpu_second': BATCHES.value * BATCH_SIZE.value / seconds,
      'memory_gib': _gib(),
      'more_than_without_gib': _gib() - here,
  }


def _gib() -> float:
  """The most that this process had, in GiB."""
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main(_: list[str]) -> None:
  """Measures one library, or each of them."""
  if READER.value:
    print(json.dumps(measure(READER.value, TOKENS.value)))
    return
  with tempfile.TemporaryDirectory() as folder:
    token_store.write(folder)
    for name in _READERS:
      words = [f'--reader={name}', f'--tokens={folder}']
      subprocess.run(
          [sys.executable, '-m', 'bench.token_batches', *words, *sys.argv[1:]],
          check=True,
      )


if __name__ == '__main__':
  verb.run(main, flags.FLAGS)
