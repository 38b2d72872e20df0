"""The folder of a bundle, which needs nothing but itself.

bundle.json            each part's configuration and the digest of its weights
<part>.safetensors     acoustic_tokenizer, semantic_tokenizer, the stages,
                       acoustic_only, which is the first two without semantic
                       tokens, soundstorm, which is the last two at once, or
                       classifier, which needs none of the others
MODEL_CARD.md          what the model heard, and under which licences
"""

import os
import pathlib
from collections.abc import Collection, Mapping
from typing import Any

from jaxtyping import PyTree

from audiolm_jax import described
from audiolm_jax.bundle import configs, hub, parts
from audiolm_jax.bundle.names import HALVED, PARTS
from audiolm_jax.bundle.parts import Part
from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import loading

SHIPPED = pathlib.Path(__file__).parents[1] / 'bundles'

# The third holds weights as integers, which the second does not know.
_FORMATS = (2, 3)
_MEND = 'copy the bundle again.'


def read(path_or_name: str | os.PathLike) -> dict[str, Part]:
  """Parts by name, of what `find` finds.

  Raises:
    UserError: There is no such bundle, or it is damaged.
  """
  folder = find(path_or_name)
  entries = _read_entries(folder / 'bundle.json')
  return {
      name: Part(
          entry.config,
          parts.read(folder / f'{name}.safetensors', entry.sha256),
      )
      for name, entry in entries.items()
  }


def configs_of(path_or_name: str | os.PathLike) -> dict[str, dict[str, Any]]:
  """Configurations of the parts, by name; no weights are read.

  Raises:
    UserError: There is no such bundle, or its description is damaged.
  """
  entries = _read_entries(find(path_or_name) / 'bundle.json')
  return {name: entry.config for name, entry in entries.items()}


def dtypes(path_or_name: str | os.PathLike) -> dict[str, str]:
  """Storage types of the parts (stored.DTYPES), by name of the part."""
  folder = find(path_or_name)
  return {
      name: parts.stored_dtype(folder / f'{name}.safetensors')
      for name in configs_of(folder)
  }


def card(path_or_name: str | os.PathLike) -> str:
  """The text of the model card, empty if there is none."""
  path = find(path_or_name) / 'MODEL_CARD.md'
  return path.read_text(encoding='utf-8') if path.is_file() else ''


def write(
    folder: str | os.PathLike,
    bundled: Mapping[str, Part],
    model_card: str,
    float16: Collection[str] = HALVED,
    int8: Collection[str] = (),
) -> None:
  """Writes the folder.

  Args:
    folder: Folder to write, which is made if it does not exist.
    bundled: Parts by name.
    model_card: Markdown.
    float16: Names of the parts that take half the room.
    int8: Names of the parts that take a quarter of it (stored.py).

  Raises:
    UserError: The folder cannot be written.
  """
  folder = pathlib.Path(folder)
  entries = {}
  try:
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in bundled.items():
      path = folder / f'{name}.safetensors'
      halved = 'float16' if name in float16 else 'float32'
      dtype = 'int8' if name in int8 else halved
      digest = parts.write(path, part, dtype)
      entries[name] = {'sha256': digest, 'config': part.config}
    (folder / 'MODEL_CARD.md').write_text(model_card, encoding='utf-8')
    version = _FORMATS[any(name in int8 for name in bundled)]
    contents = {'format': version, 'parts': entries}
    (folder / 'bundle.json').write_text(described.write(contents))
  except OSError as error:
    raise UserError(f'Cannot write {folder}: {error.strerror}.') from error


def weights(
    model: str | os.PathLike, part: str | None = None
) -> dict[str, PyTree]:
  """The weights that a training run may start from (`loop.train`'s initial).

  Args:
    model: A bundle's folder, name or address, or the folder of a run.
    part: Name of the part of the bundle; a run needs none.

  Raises:
    UserError: There is no such part.
  """
  if (pathlib.Path(model) / 'model.json').is_file():
    trained = loading.load_params(model)
    mutables = dict(trained.mutables)
    # A run that keeps an average of its parameters is used by that.
    params = mutables.pop('ema', trained.params)
    return {'config': trained.config, 'params': params, 'mutables': mutables}
  bundled = read(model)
  if part not in bundled:
    raise UserError(f'{model} has no part {part}; it has {", ".join(bundled)}.')
  return {'config': bundled[part].config, **parts.variables(bundled[part])}


def is_bundle(path_or_name: str | os.PathLike) -> bool:
  """Returns whether it is a bundle: a folder, a name or an hf:// address."""
  return hub.is_address(path_or_name) or any(
      (folder / 'bundle.json').is_file() for folder in _places(path_or_name)
  )


def is_shipped(path_or_name: str | os.PathLike) -> bool:
  """Returns whether it is a bundle that comes with the package."""
  return find(path_or_name).parent == SHIPPED


def find(path_or_name: str | os.PathLike) -> pathlib.Path:
  """The folder of a bundle.

  Args:
    path_or_name: A folder, a bundle that comes with the package, or one on the
      Hugging Face hub, as hf://ORG/NAME or hf://ORG/NAME@REVISION, which is
      downloaded unless the hub's cache has it.

  Raises:
    UserError: There is no such bundle, or it cannot be downloaded.
  """
  if hub.is_address(path_or_name):
    return hub.fetch(os.fspath(path_or_name))
  folder = pathlib.Path(path_or_name)
  for candidate in _places(folder):
    if (candidate / 'bundle.json').is_file():
      return candidate
  if (folder / 'model.json').is_file():
    raise UserError(f'{folder} is a training run; run audiolm bundle on it.')
  shipped = sorted(path.parent.name for path in SHIPPED.glob('*/bundle.json'))
  raise UserError(
      f'{folder} is not a bundle (a folder with a bundle.json); the bundles'
      f' that come with the package are {", ".join(shipped) or "none"}, and'
      ' those on the Hugging Face hub are hf://ORG/NAME.'
  )


def _places(path_or_name: str | os.PathLike) -> list[pathlib.Path]:
  folder = pathlib.Path(path_or_name)
  # A path that is mistyped must not become a bundle of the same name.
  is_name = len(folder.parts) == 1 and not folder.is_absolute()
  return [folder, SHIPPED / folder] if is_name else [folder]


def _read_entries(path: pathlib.Path) -> dict[str, configs.Entry]:
  contents = described.read(_bytes(path), str(path), _MEND)
  version = contents.get('format')
  named = contents.get('parts')
  unknown = sorted(set(named if isinstance(named, dict) else ()) - set(PARTS))
  if version not in _FORMATS or unknown:
    raise UserError(
        f'{path} has format {version} and parts {unknown} that this version'
        ' does not know; update audiolm_jax.'
    )
  description = described.check(
      contents, configs.Description, f'{path} is damaged', _MEND
  )
  for name, entry in description.parts.items():
    configs.check_beside(entry.config, f'The part {name} of {path}')
  return description.parts


def _bytes(path: pathlib.Path) -> bytes:
  try:
    return path.read_bytes()
  except OSError as error:
    raise UserError(f'Cannot read {path}: {error.strerror}.') from error
