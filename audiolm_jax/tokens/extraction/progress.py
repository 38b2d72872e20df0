"""How far an extraction is, seen from the files that any worker finishes."""

import datetime
import logging
import threading
import time
from collections.abc import Sequence

import tensorflow as tf

from audiolm_jax.tokens.extraction.shards import Shard

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
  """Logs clips done, speed and time left while its `with` block runs."""

  def __init__(self, shards: Sequence[Shard]):
    """Args: `shards` are those to do."""
    self._todo = list(shards)
    self._total = sum(len(shard.sources) for shard in shards)
    self._done = 0
    self._start = time.monotonic()
    self._over = threading.Event()
    self._thread = threading.Thread(target=self._watch, daemon=True)

  def __enter__(self) -> 'Progress':
    self._thread.start()
    return self

  def __exit__(self, *_) -> None:
    self._over.set()
    self._thread.join()
    self._look()

  def _watch(self) -> None:
    while not self._over.wait(_SECONDS_BETWEEN_LINES):
      self._look()

  def _look(self) -> None:
    finished = {s.path for s in self._todo if tf.io.gfile.exists(s.path)}
    if not finished:
      return
    self._done += sum(
        len(shard.sources) for shard in self._todo if shard.path in finished
    )
    self._todo = [s for s in self._todo if s.path not in finished]
    speed = self._done / (time.monotonic() - self._start)
    left = datetime.timedelta(seconds=round((self._total - self._done) / speed))
    log.info(
        '%d/%d clips  %.3g clips/s  %s left',
        self._done,
        self._total,
        speed,
        left,
    )
