"""Tests audiolm_jax/tokens/batches/rounds.py."""

import itertools

import hypothesis
from hypothesis import strategies as st

from audiolm_jax.tokens.batches.rounds import rounds

FILES = [f'{i}.tfrecord' for i in range(12)]


@hypothesis.given(st.floats(1.0, 30.0), st.integers(0, 99))
def test_each_epoch_reads_every_file_once(rounds_an_epoch, seed):
  round_at = rounds(FILES, rounds_an_epoch * 100, seed, batches_a_round=100)
  num_rounds = min(int(rounds_an_epoch), len(FILES))
  for epoch in range(2):
    parts = [round_at(epoch * num_rounds + i) for i in range(num_rounds)]
    read = list(itertools.chain(*(part.files for part in parts)))
    assert sorted(read) == sorted(FILES)
    total = sum(part.num_batches for part in parts)
    assert abs(total - rounds_an_epoch * 100) <= num_rounds


@hypothesis.given(st.floats(0.001, 0.999))
def test_few_files_are_read_often_enough_to_fill_a_round(rounds_an_epoch):
  part = rounds(FILES, rounds_an_epoch * 100, 0, batches_a_round=100)(0)
  assert sorted(part.files) == sorted(FILES)
  assert 99 <= part.num_batches <= 201


def test_no_round_is_like_another():
  for seed in range(3):
    parts = [
        rounds(FILES, 400.0, seed, batches_a_round=100)(number)
        for number in range(40)
    ]
    assert len({part.seed for part in parts}) == len(parts)
    assert len({tuple(part.files) for part in parts}) == len(parts)


def test_so_many_epochs_are_one_round():
  round_at = rounds(FILES, 400.0, 0, epochs=3, batches_a_round=100)
  assert round_at(0).files == FILES
  assert round_at(0).epochs == 3
  assert round_at(0).num_batches is None
  assert round_at(1) is None
