"""The first levels of a SoundStorm that makes more: a start to learn from."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import PyTree

from audiolm_jax.errors import UserError

# Of all arrays these alone have an entry for each level; blocks serve all.
_BY_LEVEL = ('acoustic', 'mask', 'head_kernel', 'head_bias')


def weights(
    initial: Mapping[str, PyTree], num_levels: int
) -> dict[str, PyTree]:
  """Weights for `loop.train` to start from, of the first levels alone.

  What the levels that go added to a frame is missing from then on, so the first
  hundreds of steps get used to that.

  Args:
    initial: Weights of the whole, as `bundle.folder.weights` returns them.
    num_levels: Number of levels that stay.

  Raises:
    UserError: The weights are of no SoundStorm, or make fewer levels.
  """
  params = dict(initial['params'])
  missing = [name for name in _BY_LEVEL if name not in params]
  if missing:
    raise UserError(
        'The initial weights are of no SoundStorm: they lack'
        f' {", ".join(missing)}.'
    )
  found = len(params['mask'])
  if not 1 <= num_levels <= found:
    raise UserError(
        f'The initial SoundStorm makes {found} levels, so {num_levels} of them'
        ' cannot be kept.'
    )
  for name in _BY_LEVEL:
    params[name] = np.asarray(params[name])[:num_levels]
  return {**initial, 'params': params}
