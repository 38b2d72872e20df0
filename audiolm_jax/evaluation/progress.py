"""What a long measurement says while it runs."""

import datetime
import logging
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

log = logging.getLogger(__name__)
LOG_EVERY_SECONDS = 5.0
Item = TypeVar('Item')


def follow(items: Sequence[Item], what: str) -> Iterator[Item]:
  """Yields items; says now and then how many are done and the time left."""
  start = said = time.monotonic()
  for done, item in enumerate(items):
    now = time.monotonic()
    if done and now - said > LOG_EVERY_SECONDS:
      said = now
      left = round((now - start) / done * (len(items) - done))
      log.info(
          '%s: %d/%d, %s left',
          what,
          done,
          len(items),
          datetime.timedelta(seconds=left),
      )
    yield item
