"""The recordings that come with the package."""

import json
import pathlib

import numpy as np
import soundfile
from jaxtyping import Int16

_FOLDER = pathlib.Path(__file__).parents[1] / 'prompts'


def shipped() -> dict[str, pathlib.Path]:
  """Prompts by what a person would call them; `LICENSES.md` says whose."""
  lines = json.loads((_FOLDER / 'prompts.json').read_text())
  return {
      pathlib.Path(line['file']).stem.replace('_', ' '): _FOLDER / line['file']
      for line in lines
  }


def played(name: str | None) -> tuple[int, Int16[np.ndarray, ' N']] | None:
  """The prompt as a player of the page takes it: samples a second, samples.

  Gradio would run `ffprobe` on a path, which imageio-ffmpeg does not bring.
  """
  if name is None:
    return None
  waveform, sample_rate = soundfile.read(shipped()[name], dtype='int16')
  return sample_rate, waveform


def of(domain: str) -> list[pathlib.Path]:
  """Paths of the prompts of a domain: `speech` or `piano`."""
  return [path for name, path in shipped().items() if name.startswith(domain)]
