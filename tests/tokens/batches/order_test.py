"""Tests audiolm_jax/tokens/batches/order.py."""

import itertools

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from audiolm_jax.tokens.batches import order
from audiolm_jax.tokens.batches.rounds import Round

FILES = [f'{i}.tfrecord' for i in range(5)]


def shuffled(count=50, epochs=None, seed=3, shard=0) -> order.Shuffled:
  part = Round(FILES, epochs, None, seed)
  return order.Shuffled(part, shard, np.arange(count))


def numbers(visits, start=0, stop=None) -> list[int]:
  places = range(start, len(visits) if stop is None else stop)
  return [visits[place].recording for place in places]


def test_each_epoch_has_every_recording_in_another_order():
  visits = shuffled()
  epochs = [numbers(visits, 50 * i, 50 * i + 50) for i in range(4)]
  assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
  assert len({tuple(epoch) for epoch in epochs}) == 4
  assert list(range(50)) not in epochs


def test_neighbours_in_a_file_do_not_stay_neighbours():
  """A window of a shuffle would keep them near each other."""
  found = numbers(shuffled(1000, epochs=1))
  steps = np.abs(np.diff(found))
  # Of a uniform permutation the mean distance is a third of the length.
  assert 300 < steps.mean() < 367


def test_a_place_is_the_same_whatever_was_read_before():
  straight = shuffled()
  visits = [straight[place] for place in range(200)]
  for place in (199, 3, 120, 0):
    again = shuffled()[place]
    assert again.recording == visits[place].recording
    np.testing.assert_array_equal(again.seed, visits[place].seed)


def test_every_visit_has_a_seed_of_its_own():
  visits = shuffled()
  seeds = {tuple(visits[place].seed.tolist()) for place in range(500)}
  assert len(seeds) == 500
  others = (shuffled(seed=4), shuffled(shard=1))
  assert all((v[0].seed != visits[0].seed).any() for v in others)
  assert all(numbers(v, 0, 50) != numbers(visits, 0, 50) for v in others)


@hypothesis.given(st.integers(1, 12), st.integers(1, 30))
def test_hosts_share_all_recordings_and_no_two_see_the_same(hosts, per_file):
  seen = []
  for host in range(hosts):
    mine = order.share(FILES, host, hosts)
    count = per_file * len(mine.files)
    for number in range(mine.first, count, mine.stride):
      file, place = divmod(number, per_file)
      seen.append((mine.files[file], place))
  assert sorted(seen) == list(itertools.product(FILES, range(per_file)))


def test_a_host_opens_its_own_files_if_there_are_enough():
  assert order.share(FILES, 1, 2).files == FILES[1::2]
  assert order.share(FILES, 1, 9).files == FILES


@pytest.mark.parametrize('epochs', [1, 3])
def test_epochs_end(epochs):
  visits = shuffled(epochs=epochs)
  assert len(visits) == 50 * epochs
  with pytest.raises(IndexError):
    _ = visits[50 * epochs]


@pytest.mark.parametrize('epochs', [None, 2])
def test_a_host_without_recordings_visits_none(epochs):
  assert not shuffled(0, epochs)


def test_an_evaluation_goes_through_the_files():
  assert numbers(order.InOrder(7)) == list(range(7))
