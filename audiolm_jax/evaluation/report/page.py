"""The report as one HTML file that needs nothing but itself."""

import base64
import importlib.util
import io
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import soundfile
from jaxtyping import Float

from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.tables import Table

_TEMPLATE = pathlib.Path(__file__).parent / 'page.html'


class Take(NamedTuple):
  """A sound to listen to.

  Attributes:
    title: Name of its kind: 'recording', 'codec', 'continuation', ...
    waveform: Samples from -1 to 1.
  """

  title: str
  waveform: Float[np.ndarray, ' N']


class Example(NamedTuple):
  """Takes of one prompt, to be compared with each other.

  Attributes:
    title: Title above the takes.
    takes: Takes that stand side by side.
    sample_rate: Sample rate of all, Hz.
    picture: Their spectrograms, a PNG file, or None.
  """

  title: str
  takes: Sequence[Take]
  sample_rate: int
  picture: pathlib.Path | None = None


def html(
    title: str,
    shown: Sequence[Table],
    pictures: Sequence[pathlib.Path],
    examples: Sequence[Example],
) -> str:
  """Tables, pictures and players; sounds are FLAC, without a loss."""
  # Only who reads the report needs it.
  import jinja2

  environment = jinja2.Environment(
      autoescape=True, trim_blocks=True, lstrip_blocks=True
  )
  environment.filters |= {'cell': tables.cell, 'png': _png}
  template = environment.from_string(_TEMPLATE.read_text(encoding='utf-8'))
  return template.render(
      title=title,
      tables=shown,
      pictures=pictures,
      examples=[
          {
              'title': example.title,
              'picture': example.picture,
              'takes': [
                  (take.title, _flac(take.waveform, example.sample_rate))
                  for take in example.takes
              ],
          }
          for example in examples
      ],
  )


def check_installed() -> None:
  """Refuses to go on without Jinja."""
  if importlib.util.find_spec('jinja2') is None:
    raise UserError("jinja2 is missing: pip install 'audiolm_jax[eval]'.")


def _png(path: pathlib.Path) -> str:
  return _data_url('image/png', path.read_bytes())


def _flac(waveform: Float[np.ndarray, ' N'], sample_rate: int) -> str:
  file = io.BytesIO()
  soundfile.write(file, np.clip(waveform, -1, 1), sample_rate, format='FLAC')
  return _data_url('audio/flac', file.getvalue())


def _data_url(kind: str, data: bytes) -> str:
  return f'data:{kind};base64,{base64.b64encode(data).decode()}'
