"""Plans to read a token store by: the batches of a round."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from audiolm_jax.tokens.batches import order
from audiolm_jax.tokens.batches.cuts import Crops, Spans
from audiolm_jax.tokens.batches.rounds import Round
from audiolm_jax.tokens.store import recordings
from audiolm_jax.tokens.store.recordings import Recordings

Cut = Crops | Spans


class Plan(NamedTuple):
  """The batches of a round.

  Attributes:
    token_dir: The token store.
    recordings: Recordings of the files that are read.
    visits: Order in which recordings are read, each with a seed.
    cut: Crops or windows to cut from each recording.
    rows: Rows of a batch.
    partial: Whether the last batch may have fewer; else it is dropped.
    pack: Whether several sequences may share a row.
  """

  token_dir: str
  recordings: Recordings
  visits: Sequence[order.Visit]
  cut: Cut
  rows: int
  partial: bool = False
  pack: bool = False


# grain_reader and seqio_reader have such functions; what they return has a
# `close`, which ends the reading ahead.
Reader = Callable[[Plan], Iterator[dict[str, np.ndarray]]]


def of_round(
    token_dir: str,
    part: Round,
    shard_index: int,
    num_shards: int,
    cut: Cut,
    rows: int,
    pack: bool = False,
) -> Plan:
  """A host's share of a round, shuffled."""
  mine = order.share(part.files, shard_index, num_shards)
  found = recordings.of_files(token_dir, mine.files)
  numbers = np.arange(mine.first, len(found), mine.stride)
  visits = order.Shuffled(part, shard_index, numbers)
  return Plan(token_dir, found, visits, cut, rows, pack=pack)


def of_rounds(
    reader: Reader,
    token_dir: str,
    shard_index: int,
    num_shards: int,
    cut: Cut,
    rows: int,
    pack: bool = False,
) -> Callable[[Round], Iterator[dict[str, np.ndarray]]]:
  """A function that reads a host's share of the round that it is given."""

  def read(part: Round) -> Iterator[dict[str, np.ndarray]]:
    return reader(
        of_round(token_dir, part, shard_index, num_shards, cut, rows, pack)
    )

  return read


def of_everything(
    token_dir: str, files: Sequence[str], cut: Cut, rows: int
) -> Plan:
  """All recordings once, in the order of the files."""
  found = recordings.of_files(token_dir, files)
  visits = order.InOrder(len(found))
  return Plan(token_dir, found, visits, cut, rows, partial=True)
