"""Progress of an extraction, seen from the files that any worker finishes."""

import threading
from collections.abc import Sequence

from etils import epath

from audiolm_jax import progress
from audiolm_jax.tokens.extraction.shards import Shard

_SECONDS_BETWEEN_LOOKS = 5.0


class Watch:
  """Says how many clips are done while its `with` block runs."""

  def __init__(self, shards: Sequence[Shard]):
    """Args: `shards` are those to do."""
    self._todo = list(shards)
    total = sum(len(shard.sources) for shard in shards)
    self._reporter = progress.Reporter('Extracting', total, 'clips')
    self._done = 0
    self._over = threading.Event()
    self._thread = threading.Thread(target=self._watch, daemon=True)

  def __enter__(self) -> 'Watch':
    self._reporter.__enter__()
    self._thread.start()
    return self

  def __exit__(self, *error) -> None:
    self._over.set()
    self._thread.join()
    self._look()
    self._reporter.__exit__(*error)

  def _watch(self) -> None:
    while not self._over.wait(_SECONDS_BETWEEN_LOOKS):
      self._look()

  def _look(self) -> None:
    finished = {s.path for s in self._todo if epath.Path(s.path).exists()}
    self._done += sum(
        len(shard.sources) for shard in self._todo if shard.path in finished
    )
    self._todo = [s for s in self._todo if s.path not in finished]
    self._reporter.at(self._done)
