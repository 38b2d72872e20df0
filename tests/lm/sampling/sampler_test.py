"""Tests `audiolm_jax/lm/sampling/sampler.py`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.lm.sampling import loop, sampler
from audiolm_jax.lm.sampling.methods import Sampling
from audiolm_jax.tokens.fields import EOS, PAD
from audiolm_jax.tokens.layout import Candidates, Prompt

from ..tiny import MODEL, logits_of, weights

NUM_SAMPLES, SIZE = 9, 10
# Two levels, of which rows may end between frames.
FIRST = np.int32([4, 14] * 5)[:NUM_SAMPLES]
BETWEEN = np.arange(NUM_SAMPLES) % 2 == 0
ENDLESS = Candidates(FIRST, np.zeros(NUM_SAMPLES, bool), SIZE)
ENDING = Candidates(FIRST, BETWEEN, SIZE)
GREEDY, RANDOM = Sampling(temperature=0.0), Sampling()


def prompt(length, seed=0, stride=1):
  """A prompt at every `stride` positions."""
  ids = np.random.default_rng([seed, length]).integers(2, 24, length, np.int32)
  positions = np.arange(length + NUM_SAMPLES, dtype=np.int32) - length
  return Prompt(ids, stride * positions)


def prompts(*lengths):
  return [prompt(length, seed) for seed, length in enumerate(lengths)]


def draw_keys(rows, seed=1):
  return jax.random.split(jax.random.key(seed), rows)


def sample(
    rows,
    candidates=ENDLESS,
    sampling=RANDOM,
    keys=None,
    multiple=4,
    sizes=(NUM_SAMPLES,),
    growth=8,
):
  """The cache grows on the way."""
  keys = draw_keys(len(rows)) if keys is None else keys
  stacked = sampler.stack(rows, multiple)
  args = MODEL, weights(), stacked, candidates, keys, sampling, sizes
  pieces = list(sampler.draw_pieces(*args, growth=growth))
  assert [piece.shape[1] for piece in pieces] == list(sizes)
  return np.concatenate(pieces, axis=1)


def best_of_the_full_pass(row, ids):
  """Likeliest candidates given all before, one pass over all."""
  known = np.concatenate([row.ids, ids])
  inputs = np.pad(known, (1, 0))[None, :-1]
  logits = np.asarray(logits_of(inputs, row.positions))[0, len(row.ids) :]
  places = FIRST[:, None] + np.arange(SIZE)
  return FIRST + np.take_along_axis(logits, places, axis=1).argmax(axis=1)


# Prompts end before, at and behind the border of a cache of eight.
@pytest.mark.parametrize('length', [0, 1, 5, 8, 9])
def test_greedy_samples_are_the_argmax_of_the_full_pass(length):
  rows = [prompt(length, seed) for seed in range(3)]
  ids = sample(rows, sampling=GREEDY, multiple=1)
  expected = [*map(best_of_the_full_pass, rows, ids)]
  np.testing.assert_array_equal(ids, expected)


def test_greedy_samples_of_prompts_of_other_lengths_are_those_of_full_passes():
  rows = [*prompts(0, 6), prompt(3, stride=2)]
  ids = sample(rows, sampling=GREEDY)
  expected = [*map(best_of_the_full_pass, rows, ids)]
  np.testing.assert_array_equal(ids, expected)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 2**31 - 1),
    st.sampled_from([0.0, 0.6, 1.0, 50.0]),
    st.booleans(),
)
def test_every_id_is_a_candidate_of_its_place(seed, temperature, ends):
  first = np.random.default_rng(seed).integers(2, 24 - SIZE, NUM_SAMPLES)
  may_end = np.random.default_rng(seed).random(NUM_SAMPLES) < ends / 2
  candidates = Candidates(first.astype(np.int32), may_end, SIZE)
  ids = sample(
      prompts(3, 3), candidates, Sampling(temperature), draw_keys(2, seed)
  )
  among = (first <= ids) & (ids < first + SIZE)
  assert (among | (ids == PAD) | (may_end & (ids == EOS))).all()


@pytest.mark.parametrize(
    'rows',
    [prompts(3, 3, 3, 3, 3, 3, 3, 3), prompts(1, 2, 3, 4, 4, 3, 2, 1)],
    ids=['one length', 'four lengths'],
)
def test_a_row_is_the_same_alone_in_company_and_in_any_order(rows):
  keys = draw_keys(8)
  together = sample(rows, keys=keys)
  order = np.random.default_rng(0).permutation(8)
  shuffled = sample([rows[row] for row in order], keys=keys[order])
  np.testing.assert_array_equal(shuffled, together[order])
  for row in range(8):
    alone = sample(rows[row : row + 1], keys=keys[row : row + 1])
    np.testing.assert_array_equal(alone[0], together[row])


@pytest.mark.parametrize(
    'how',
    [
        {'multiple': 1},
        {'multiple': 8},
        {'growth': 5},
        {'growth': 100},
        {'sizes': [2, 3, 0, 4]},
        {'sizes': [1] * NUM_SAMPLES},
    ],
    ids=str,
)
def test_padding_growth_and_pieces_change_nothing(how):
  rows = prompts(3, 3, 5)
  np.testing.assert_array_equal(
      sample(rows, ENDING, **how), sample(rows, ENDING)
  )


def test_keys_alone_make_samples_differ():
  rows = [prompt(3)] * 16
  assert len(np.unique(sample(rows), axis=0)) > 8
  same = sample(rows, keys=draw_keys(1)[jnp.zeros(16, int)])
  assert len(np.unique(same, axis=0)) == 1


def test_places_have_noise_of_their_own():
  """With logits that do not matter, no id of a row tells of another."""
  ids = sample([prompt(3)] * 64, sampling=Sampling(temperature=1e6)) - FIRST
  same = (ids[:, :-1] == ids[:, 1:]).mean()
  assert 0.5 / SIZE < same < 2 / SIZE


def test_rows_end_where_they_may_and_nothing_follows():
  rows = prompts(*[3] * 64)
  ids = sample(rows, ENDING, Sampling(temperature=3.0))
  ended = np.cumsum(ids == EOS, axis=1) > 0
  assert 0 < ended[:, -1].sum() < 64
  assert not (ids == EOS)[:, ~BETWEEN].any()
  np.testing.assert_array_equal(ids == PAD, ended & (ids != EOS))


def test_until_a_row_ends_it_is_as_if_others_did_not():
  """Who ends early is not waited for, and does not end the rest."""
  rows, keys = prompts(*[3] * 64), draw_keys(64)
  together = sample(rows, ENDING, Sampling(3.0), keys)
  for row in range(8):
    alone = sample(
        rows[row : row + 1], ENDING, Sampling(3.0), keys[row : row + 1]
    )
    np.testing.assert_array_equal(alone[0], together[row])


def test_once_all_rows_have_ended_nothing_is_computed(monkeypatch):
  rows, keys = prompts(*[3] * 64), draw_keys(64)
  ids = sample(rows, ENDING, Sampling(3.0), keys)
  (short,) = np.flatnonzero(ids[:, 2] == EOS)[:1]
  calls, extend = [], loop.extend
  monkeypatch.setattr(
      loop, 'extend', lambda *args: calls.append(args) or extend(*args)
  )
  sizes, key = [4, 1, 4], keys[short : short + 1]
  alone = sample([rows[short]], ENDING, Sampling(3.0), key, sizes=sizes)
  np.testing.assert_array_equal(alone[0], ids[short])
  assert len(calls) == 1


def test_no_places_make_no_ids():
  none = Candidates(FIRST[:0], BETWEEN[:0], SIZE)
  for rows in (prompts(3, 3), prompts(0, 0)):
    args = MODEL, weights(), sampler.stack(rows), none, draw_keys(2), RANDOM
    assert sampler.sample(*args).shape == (2, 0)


def test_a_batch_is_padded_to_a_multiple_and_shares_positions_if_it_can():
  counted = sampler.stack(prompts(3, 5), multiple=4)
  assert counted.ids.shape == counted.valid.shape == (2, 8)
  assert counted.valid.sum(axis=1).tolist() == [3, 5]
  assert counted.positions.tolist() == [[*range(-8, NUM_SAMPLES)]]
  timed = sampler.stack([prompt(3), prompt(5, stride=2)], multiple=4)
  assert timed.positions.shape == (2, 8 + NUM_SAMPLES)
