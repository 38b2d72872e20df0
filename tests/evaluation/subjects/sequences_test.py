"""Tests `audiolm_jax/evaluation/subjects/sequences.py`."""

import numpy as np
import pytest

from audiolm_jax.evaluation.metrics import language_model
from audiolm_jax.evaluation.subjects import sequences
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.fields import EOS

SIZES = stages.Sizes(
    semantic_codebook_size=7, acoustic_codebook_size=5, num_quantizers=3
)
STAGES = [
    stages.semantic(SIZES),
    stages.coarse(SIZES, num_coarse=2),
    stages.coarse(SIZES, num_coarse=2, deduplicate=False, positions='time'),
    stages.fine(SIZES, num_coarse=2),
]


def recordings(count: int) -> list[dict[str, np.ndarray]]:
  random = np.random.default_rng(0)
  return [
      {
          'semantic': random.integers(0, 7, (length, 1)),
          'acoustic': random.integers(0, 5, (2 * length, 3)),
      }
      for length in range(10, 10 + count)
  ]


@pytest.mark.parametrize('stage', STAGES, ids=lambda s: s.name + s.positions)
def test_every_predicted_id_has_a_level_and_no_other(stage):
  levels = sequences.level_of_ids(stage)
  places = stage.candidates(num_ids=6, num_prompt_ids=6, ends=True)
  predicted = set()
  for place, (first, may_end) in enumerate(zip(*places[:2], strict=True)):
    ids = [*range(first, first + places.size), *[EOS] * int(may_end)]
    assert set(levels[ids]) == {place % len(stage.target.levels)}
    predicted.update(ids)
  assert set(np.flatnonzero(levels >= 0)) == predicted


@pytest.mark.parametrize('stage', STAGES, ids=lambda s: s.name + s.positions)
def test_all_targets_of_a_recording_count_and_inputs_are_the_ids_before(stage):
  for batch in sequences.whole_recordings(stage, recordings(3)):
    counted = batch['targets'][batch['loss_weights'] > 0]
    assert np.all(sequences.level_of_ids(stage)[counted] >= 0)
    assert counted[-1] == EOS
    codes = stage.target.unflatten(counted)
    assert codes.size == len(counted) - 1
    np.testing.assert_array_equal(
        batch['inputs'][:, 1:], batch['targets'][:, :-1]
    )


@pytest.mark.parametrize('stage', STAGES, ids=lambda s: s.name + s.positions)
def test_baselines_of_random_codes_are_uniform_a_level(stage):
  batches = list(sequences.whole_recordings(stage, recordings(60)))
  result = language_model.evaluate(
      lambda batch: np.zeros(batch['targets'].shape),
      batches[:50],
      batches[50:],
      sequences.level_of_ids(stage),
  )
  uniform = np.log(stage.target.codebook_size)
  for losses in result.levels:
    # End tokens make the first level a little more uncertain.
    assert losses.unigram == pytest.approx(uniform, abs=0.25)
  assert len(result.levels) == len(stage.target.levels)
