"""The recordings that come with the package."""

import json
import pathlib

FOLDER = pathlib.Path(__file__).parents[1] / 'prompts'


def shipped() -> dict[str, pathlib.Path]:
  """Prompts by what a person would call them; `LICENSES.md` says whose."""
  lines = json.loads((FOLDER / 'prompts.json').read_text())
  return {
      pathlib.Path(line['file']).stem.replace('_', ' '): FOLDER / line['file']
      for line in lines
  }


def of(domain: str) -> list[pathlib.Path]:
  """Those of a domain: `speech` or `piano`."""
  return [path for name, path in shipped().items() if name.startswith(domain)]
