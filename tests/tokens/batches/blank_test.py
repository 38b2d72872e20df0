"""Tests audiolm_jax/tokens/batches/blank.py."""

import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.soundstorm.stage import soundstorm
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.batches import blank, sequences, windows

from .. import random_store


@pytest.mark.parametrize('name', ['semantic', 'coarse', 'fine'])
def test_blank_batches_have_the_shapes_of_real_ones(name, tmp_path):
  random_store.write(tmp_path, {'train': [200] * 4})
  sizes = random_store.SIZES
  stage = (
      stages.fine(sizes, 2) if name == 'fine' else getattr(stages, name)(sizes)
  )
  real = sequences.batches(str(tmp_path), stage, 'train', 2.0, 2, seed=0)
  shapes = {k: (v.shape, v.dtype) for k, v in next(real).items()}
  zeros = next(blank.BlankBatches(stage, 2.0, 2))
  assert {k: (v.shape, v.dtype) for k, v in zeros.items()} == shapes


def test_blank_windows_have_the_shapes_of_real_ones(tmp_path):
  random_store.write(tmp_path, {'train': [200] * 4})
  stage = soundstorm(random_store.SIZES)
  real = windows.batches(str(tmp_path), stage, 'train', 2.0, 2, seed=0)
  shapes = {k: (v.shape, v.dtype) for k, v in next(real).items()}
  zeros = next(blank.BlankFrames(stage, 2.0, 2))
  assert {k: (v.shape, v.dtype) for k, v in zeros.items()} == shapes


def test_shards_share_the_rows():
  stage = stages.semantic()
  batch = next(blank.BlankBatches(stage, 2.0, 6, shard_index=1, num_shards=3))
  assert len(batch['inputs']) == 2
  with pytest.raises(UserError, match='batch of 6'):
    blank.BlankBatches(stage, 2.0, 6, num_shards=4)
