"""Tests audiolm_jax/soundstorm/first_levels.py."""

import gin
import jax
import numpy as np
import pytest

from audiolm_jax.bundle import folder
from audiolm_jax.cli import gin_config
from audiolm_jax.errors import UserError
from audiolm_jax.soundstorm import first_levels
from tests.soundstorm import tiny


def test_what_stays_says_what_it_said_if_the_others_added_nothing():
  kept, num_levels = 2, tiny.MODEL.num_quantizers
  params = tiny.params()
  for name in ('acoustic', 'mask'):
    params[name] = params[name].copy()
    params[name][kept:] = 0
  found = first_levels.weights({'params': params, 'mutables': {}}, kept)
  semantic, acoustic = tiny.window(1, 12)
  lengths = np.array([12])
  for level in range(kept):
    whole, part = (
        jax.jit(tiny.MODEL.clone(num_quantizers=levels).apply)(
            {'params': weights},
            semantic,
            acoustic[..., :levels],
            lengths,
            np.array([level]),
        )
        for levels, weights in ((num_levels, params), (kept, found['params']))
    )
    np.testing.assert_allclose(part, whole, rtol=1e-4, atol=1e-4)
  assert found['mutables'] == {}


@pytest.mark.parametrize('num_levels', [0, 5])
def test_levels_that_are_not_there_cannot_be_kept(num_levels):
  with pytest.raises(UserError, match=f'makes 4 levels, so {num_levels} of'):
    first_levels.weights({'params': tiny.params()}, num_levels)


def test_another_model_is_refused():
  with pytest.raises(UserError, match='no SoundStorm: they lack acoustic, '):
    first_levels.weights({'params': {'mask': np.zeros(3)}}, 2)


def test_a_configuration_file_takes_them_from_a_bundle():
  gin.clear_config()
  bindings = [
      "INITIAL_MODEL='speech'",
      "INITIAL_PART='soundstorm'",
      "TOKENS='tokens'",
      "MODEL_DIR='run'",
      'NUM_LEVELS=3',
  ]
  files = [
      f'gin/{name}.gin' for name in ('soundstorm', 'small', 'first_levels')
  ]
  try:
    gin_config.parse(files, bindings, ['.'])
    found = gin.get_configurable(first_levels.weights)()
  finally:
    gin.clear_config()
  whole = folder.weights('speech', 'soundstorm')['params']
  assert found['params']['mask'].shape == (3, *whole['mask'].shape[1:])
  np.testing.assert_array_equal(
      found['params']['head_bias'], whole['head_bias'][:3]
  )
