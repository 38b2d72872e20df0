"""Tests the keys of samples."""

import zlib

import jax
import numpy as np
import pytest

from audiolm_jax.cli import prompts

WAVEFORMS = [np.zeros(0, np.float32), np.ones(3, np.float32)]


@pytest.mark.parametrize('seed', [0, 7, 2**31 - 1, 2**31, 2**32 + 5, -1])
def test_keys_are_those_that_every_version_had(seed):
  found = prompts.keys(seed, WAVEFORMS * 2, [0, 0, 1, 2**20])
  for key, waveform, sample in zip(
      found, WAVEFORMS * 2, [0, 0, 1, 2**20], strict=True
  ):
    content = np.uint32(zlib.crc32(waveform.tobytes()))
    of_prompt = jax.random.fold_in(jax.random.key(seed), content)
    assert key == jax.random.fold_in(of_prompt, sample)


def test_a_key_depends_on_nothing_else_in_the_batch():
  alone = prompts.keys(3, WAVEFORMS[1:], [4])
  assert prompts.keys(3, WAVEFORMS, [9, 4])[1] == alone[0]
  assert prompts.keys(3, WAVEFORMS, [9, 5])[1] != alone[0]
