"""Settings of a speech model's config.json; unsupported ones are refused."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from flax import linen as nn

from audiolm_jax.errors import UserError

# Distances; every other number is a size, a count, a rate or an epsilon.
_MAY_BE_ZERO = ('left_max_position_embeddings', 'right_max_position_embeddings')


def check_type(config: Mapping[str, Any], known: Sequence[str]) -> None:
  """Refuses the config of another family.

  Raises:
    UserError: The model_type is none of those `known`.
  """
  found = config.get('model_type')
  if found not in known:
    raise UserError(
        f"config.json is of model_type {found!r}, not {' or '.join(known)};"
        ' import it as the family it belongs to.'
    )


def refuse(config: Mapping[str, Any], settings: Sequence[str]) -> None:
  """Refuses settings that add layers which are not read.

  Raises:
    UserError: One of them is set.
  """
  for name in settings:
    if config.get(name):
      raise UserError(
          f'config.json has {name}={json.dumps(config[name])}, which is not'
          ' supported; choose a checkpoint without it.'
      )


def choice(
    config: Mapping[str, Any], name: str, default: Any, known: Sequence[Any]
) -> Any:
  """A setting that has to be one of those known.

  Raises:
    UserError: The setting is none of those `known`.
  """
  found = config.get(name, default)
  if found not in known:
    names = ', '.join(json.dumps(value) for value in known)
    raise UserError(
        f'config.json has {name}={json.dumps(found)}, known are {names}; choose'
        ' another checkpoint.'
    )
  return found


def fields(
    config: Mapping[str, Any],
    names: Mapping[str, str],
    model: type[nn.Module],
    file: str = 'config.json',
) -> dict[str, Any]:
  """Fields of a module by the config's names for them, else the defaults.

  Raises:
    UserError: A setting is not of the type it should be, or not positive.
  """
  found = {}
  for field, name in names.items():
    default = getattr(model, field)
    value = config.get(name, default)
    value = tuple(value) if isinstance(value, list) else value
    # JSON may write a whole float without a point.
    if isinstance(default, float) and type(value) is int:
      value = float(value)
    if not _is_like(value, default):
      raise UserError(
          f'{file} has {name}={json.dumps(value)}, which should be like'
          f' {json.dumps(default)}; use the file as it was published.'
      )
    if not _is_positive(value, name in _MAY_BE_ZERO):
      raise UserError(
          f'{file} has {name}={json.dumps(value)}, which should be positive;'
          ' use the file as it was published.'
      )
    found[field] = value
  return found


def _is_like(value: Any, default: Any) -> bool:
  # Not isinstance: to it true and false are integers.
  if type(value) is not type(default):
    return False
  if not isinstance(value, tuple):
    return True
  return all(type(item) is type(default[0]) for item in value)


def _is_positive(value: Any, or_zero: bool) -> bool:
  """Returns whether numbers are; what else a setting may be always is."""
  items = value if isinstance(value, tuple) else (value,)
  numbers = [item for item in items if type(item) in (int, float)]
  # Python's JSON reads NaN and Infinity, which are no sizes.
  return all(0 < item < math.inf or (or_zero and item == 0) for item in numbers)


def check_divides(name: str, count: int, width: int) -> None:
  """Refuses a width that cannot be shared out among so many.

  Raises:
    UserError: The width is not a multiple of the count.
  """
  if count < 1 or width % count:
    raise UserError(
        f'config.json has {name}={count}, which does not divide hidden_size='
        f'{width}; use the file as it was published.'
    )
