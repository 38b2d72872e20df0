"""Tests audiolm_jax/tokens/tokenizers/windows.py."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from audiolm_jax.tokens.tokenizers import windows

HOP = 3


@hypothesis.given(
    st.lists(st.integers(0, 300), max_size=5),
    st.integers(5, 60),
    st.integers(0, 2),
)
def test_each_frame_is_kept_once_with_its_context(lengths, size, margin):
  kept = [np.zeros(length, int) for length in lengths]
  for window in windows.plan(np.array(lengths, int), size, margin):
    row, start, end, first, stop = window
    kept[row][first:stop] += 1
    assert end - start <= size
    assert start == 0 or first - start >= margin
    assert end == lengths[row] or end - stop >= margin
  assert all((counts == 1).all() for counts in kept)


@hypothesis.given(st.integers(1, 10_000))
def test_buckets_are_few_and_waste_little(num_frames):
  padded = windows.bucket(num_frames)
  assert num_frames <= padded <= max(1.25 * num_frames, 32)
  assert windows.bucket(padded) == padded


@hypothesis.given(st.integers(1, 1000))
def test_row_buckets_are_powers_of_two(num_rows):
  padded = windows.row_bucket(num_rows)
  assert padded.bit_count() == 1
  assert padded / 2 < num_rows <= padded


def sums(waveform, lengths):
  """A tokenizer that hears one frame to each side."""
  inside = np.arange(waveform.shape[1])[None] < lengths[:, None]
  assert not waveform[~inside].any()
  frames = waveform.reshape(len(waveform), -1, HOP).sum(axis=2)
  padded = np.pad(frames, [(0, 0), (1, 1)])
  heard = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
  return heard.round().astype(np.int64)[..., None]


@hypothesis.given(
    st.lists(st.integers(0, 90), min_size=1, max_size=5),
    st.integers(4, 12),
    st.integers(0, 9),
)
def test_windows_and_company_change_nothing(num_frames, size, junk):
  lengths = np.array(num_frames) * HOP
  waveform = np.random.default_rng(0).integers(
      1, 100, size=(len(lengths), max(max(lengths), HOP))
  )
  waveform = waveform.astype(np.float32)
  inside = np.arange(waveform.shape[1])[None] < lengths[:, None]
  quiet = np.where(inside, waveform, 0)
  expected = np.where(inside[:, ::HOP, None], sums(quiet, lengths), 0)
  loud = np.where(inside, waveform, junk)
  codes = windows.encode(sums, loud, lengths, HOP, 1, size, margin=1)
  np.testing.assert_array_equal(codes, expected)


def test_long_batches_are_encoded_in_parts(monkeypatch):
  monkeypatch.setattr(windows, '_MAX_SAMPLES', 64 * HOP)
  shapes = []

  def encode_batch(waveform, lengths):
    shapes.append(waveform.shape)
    return sums(waveform, lengths)

  waveform = np.ones((5, 32 * HOP), np.float32)
  lengths = np.full(5, 32 * HOP)
  windows.encode(encode_batch, waveform, lengths, HOP, 1, 40, margin=1)
  assert shapes == [(2, 32 * HOP), (2, 32 * HOP), (1, 32 * HOP)]


def test_half_a_frame_is_refused():
  with pytest.raises(ValueError, match='hop length 3'):
    windows.encode(sums, np.ones((1, 4), np.float32), np.array([4]), 3, 1, 9, 1)


def test_windows_that_are_all_margin_are_refused():
  with pytest.raises(ValueError, match='no frame with 5 on both sides'):
    windows.plan(np.array([100]), size=10, margin=5)
