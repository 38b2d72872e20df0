"""Tests audiolm_jax/cli/plan.py."""

import collections
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolm_jax.cli import plan
from audiolm_jax.cli.prompts import Prompt
from audiolm_jax.errors import UserError


def jobs(lengths, num_samples=1):
  prompts = [Prompt(f'{i}.wav', i, n) for i, n in enumerate(lengths)]
  return plan.jobs(prompts, num_samples, [prompt.path for prompt in prompts])


@given(
    lengths=st.lists(st.integers(1, 50), max_size=40),
    num_samples=st.integers(1, 3),
    size=st.integers(1, 5),
    num_new=st.integers(0, 30),
)
def test_batches_hold_every_job_once_and_are_about_even(
    lengths, num_samples, size, num_new
):
  to_do = jobs(lengths, num_samples)
  batches = plan.batches(to_do, size, num_new)
  counts = collections.Counter(job for batch in batches for job in batch)
  assert counts == collections.Counter(to_do)
  for batch in batches:
    found = [job.prompt.num_samples + num_new for job in batch]
    assert 1 <= len(batch) <= size
    assert max(found) <= 1.25 * min(found)


def test_a_long_continuation_lets_short_and_long_prompts_share_a_batch():
  to_do = jobs([30, 10, 20])
  assert len(plan.batches(to_do, 4, num_new=0)) == 3
  (batch,) = plan.batches(to_do, 4, num_new=70)
  assert [job.prompt.num_samples for job in batch] == [10, 20, 30]


def test_a_prompt_that_was_mended_does_not_rename_the_others():
  paths = ['x/a.wav', 'y/a.wav', 'b.wav']
  prompts = [Prompt(path, i, 1) for i, path in enumerate(paths)]
  names = [job.file for job in plan.jobs(prompts, 1, paths)]
  assert names == ['a-0_0.wav', 'a-1_0.wav', 'b_0.wav']
  assert [job.file for job in plan.jobs(prompts[1:], 1, paths)] == names[1:]


def test_two_samples_of_one_file_name_are_refused():
  paths = ['a.wav', 'deep/a.wav', 'a-0.wav']
  prompts = [Prompt(path, i, 1) for i, path in enumerate(paths)]
  with pytest.raises(UserError, match='out/a-0_0.wav would be written over'):
    plan.check_files(pathlib.Path('out'), plan.jobs(prompts, 1, paths))
