"""The program that travels beside what it trains."""

import pathlib
import zipfile

NAME = 'code.zip'

_ROOT = pathlib.Path(__file__).parents[2]


def write(folder: pathlib.Path) -> None:
  """Puts the package and this room in a file that Python can import from."""
  paths = [
      *sorted(_ROOT.glob('audiolm_jax/**/*.py')),
      _ROOT / 'launch/__init__.py',
      *sorted(_ROOT.glob('launch/sprint/*.py')),
  ]
  with zipfile.ZipFile(folder / NAME, 'w', zipfile.ZIP_DEFLATED) as file:
    for path in paths:
      file.write(path, path.relative_to(_ROOT))
