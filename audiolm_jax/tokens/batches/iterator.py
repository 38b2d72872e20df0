"""An endless iterator over a token store that knows where it is."""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.batches.rounds import Round


class Batches(Iterator):
  """Batches round by round, for ever; the position is exact and JSON-able."""

  def __init__(
      self,
      read: Callable[[Round], Iterator[dict[str, np.ndarray]]],
      rounds: Callable[[int], Round | None],
      shared: Mapping[str, np.ndarray],
      fingerprints: Mapping[str, str],
      where: str,
  ):
    """Takes up the first round.

    Args:
      read: Begins to read the batches of a round, the same every time.
      rounds: Gives each round, or None where there are no more.
      shared: Arrays that are added to every batch, by name.
      fingerprints: Fingerprints of the tokenizers whose tokens these are, by
        source.
      where: Names the data in messages.
    """
    self._read = read
    self._rounds = rounds
    self._shared = dict(shared)
    self._fingerprints = dict(fingerprints)
    self._where = where
    self._round = self._batch = 0
    self._iterator = None

  def __next__(self) -> dict[str, np.ndarray]:
    if self._iterator is None:
      self._open()
    batch = next(self._iterator, None)
    while batch is None:
      # To go on from a round without a batch could be to look for ever.
      if not self._batch:
        raise UserError(
            f'{self._where} does not fill a batch; lower the batch size or take'
            ' more epochs.'
        )
      if self._rounds(self._round + 1) is None:
        raise StopIteration
      self._round, self._batch = self._round + 1, 0
      self._open()
      batch = next(self._iterator, None)
    self._batch += 1
    return {**batch, **self._shared}

  def get_state(self) -> dict[str, Any]:
    """Returns where the next batch is, and whose tokens these are."""
    return {
        'round': self._round,
        'batch': self._batch,
        'tokenizers': self._fingerprints,
    }

  def set_state(self, state: dict[str, Any]) -> None:
    """Goes on where `state` was taken.

    Raises:
      UserError: The store was written by other tokenizers since.
    """
    if state['tokenizers'] != self._fingerprints:
      raise UserError(
          f'{self._where} holds tokens of {self._fingerprints}; training began'
          f' with tokens of {state["tokenizers"]}. Give it that store, or'
          ' another MODEL_DIR.'
      )
    self._round, self._batch = int(state['round']), int(state['batch'])
    self._close()

  def _open(self) -> None:
    part = self._rounds(self._round)
    self._close()
    self._iterator = _between(self._read(part), self._batch, part.num_batches)

  def _close(self) -> None:
    # What is read ahead for nobody would go on to take memory.
    if self._iterator is not None:
      self._iterator.close()
    self._iterator = None


def _between(
    batches: Iterator[dict[str, np.ndarray]], start: int, stop: int | None
) -> Iterator[dict[str, np.ndarray]]:
  # Whoever closes this generator early ends the reading ahead, too.
  with contextlib.closing(batches):
    yield from itertools.islice(batches, start, stop)


def in_order(
    batches: Iterator[dict[str, np.ndarray]],
    batch_size: int,
    shard_index: int,
    num_shards: int,
) -> Iterator[dict[str, np.ndarray]]:
  """A shard's rows of each batch of all shards together.

  Every shard gets the same number of batches; zeros fill the last one up.
  """
  rows = rows_of_shard(batch_size, num_shards)
  mine = slice(shard_index * rows, (shard_index + 1) * rows)
  with contextlib.closing(batches):
    for batch in batches:
      # Filled up before it is shared out: a shard without rows would miss a
      # step that the others wait in.
      yield {name: _filled(x, batch_size)[mine] for name, x in batch.items()}


def _filled(values: np.ndarray, num_rows: int) -> np.ndarray:
  padding = [(0, 0)] * values.ndim
  padding[0] = (0, num_rows - len(values))
  return np.pad(values, padding)


def rows_of_shard(batch_size: int, num_shards: int) -> int:
  """Rows of a batch that each shard makes."""
  if batch_size % num_shards:
    raise UserError(
        f'A batch of {batch_size} sequences cannot be shared by {num_shards}'
        ' hosts; make it a multiple of their number.'
    )
  return batch_size // num_shards
