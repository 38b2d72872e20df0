"""Trained parts from where they are: folders of runs, and bundles."""

from collections.abc import Mapping, Sequence

from audiolm_jax.bundle import folder as bundle_folder
from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.parts import Part
from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import loading


def collect(sources: Sequence[str]) -> dict[str, Part]:
  """Parts of runs and of bundles, by name.

  Args:
    sources: Folders of runs, or bundles by their folders or names.

  Raises:
    UserError: Two sources hold the same part, or one holds none.
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


def onto(base: str | None, new: Mapping[str, Part]) -> dict[str, Part]:
  """The parts of a bundle, by name, with new ones in the place of theirs.

  A new part that does not say at which temperature it is best sampled keeps
  that of the one before.
  """
  bundled = dict(Bundle.load(base).parts) if base else {}
  for name, part in new.items():
    before = bundled[name].config if name in bundled else {}
    warmth = {key: before[key] for key in before if key == 'temperature'}
    bundled[name] = part._replace(config=warmth | part.config)
  return bundled


def _parts_in(source: str) -> Mapping[str, Part]:
  if bundle_folder.is_bundle(source):
    return Bundle.load(source).parts
  name, part = parts.from_checkpoint(loading.load_params(source))
  return {name: part}
