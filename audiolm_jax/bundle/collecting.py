"""Trained parts from where they are: folders of runs, and bundles."""

import pathlib
from collections.abc import Mapping, Sequence

from audiolm_jax.bundle import hub, parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.parts import Part
from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import loading


def collect(sources: Sequence[str]) -> dict[str, Part]:
  """Parts of runs and of bundles, by name.

  Raises:
    UserError: Two folders hold the same part, or one holds none.
  """
  collected, origins = {}, {}
  for source in sources:
    for name, part in _parts_in(source).items():
      if name in collected:
        raise UserError(
            f'{origins[name]} and {source} are both {name}; leave one out.'
        )
      collected[name], origins[name] = part, source
  return collected


def _parts_in(source: str) -> Mapping[str, Part]:
  is_bundle = (pathlib.Path(source) / 'bundle.json').is_file()
  if is_bundle or hub.is_address(source):
    return Bundle.load(source).parts
  name, part = parts.from_checkpoint(loading.load_params(source))
  return {name: part}
