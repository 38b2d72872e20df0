"""Page and HTTP on one port."""

import os
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import gradio as gr

from audiolm_jax.errors import UserError
from audiolm_jax.serving import ffmpeg, routes, uploads
from audiolm_jax.serving.model import Model
from audiolm_jax.serving.page import build

# Nothing is fetched from elsewhere, so that the page works without a network.
_THEME = gr.themes.Default(
    font=['system-ui', 'sans-serif'], font_mono=['monospace']
)


class Place(NamedTuple):
  """The address that a server listens on.

  Attributes:
    host: Address; 127.0.0.1 is this machine alone.
    port: Number; None takes the first that is free from 7860 on.
    share: Whether Gradio makes it reachable from everywhere.
  """

  host: str = '127.0.0.1'
  port: int | None = None
  share: bool = False


def start(
    model: Model,
    name: str,
    recordings: Sequence[pathlib.Path],
    answers: pathlib.Path,
    place: Place,
) -> gr.Blocks:
  """Starts a server in a thread; `.local_url` says where, `.close()` ends it.

  Args:
    model: Models that answer the page and HTTP.
    name: Name of the bundle.
    recordings: Paths of the recordings of the listening test.
    answers: Folder for the answers of the listening test.
    place: Address and port that the server listens on.

  Raises:
    UserError: Somebody else listens there.
  """
  folder = ffmpeg.folder()
  if folder:
    os.environ['PATH'] = f'{folder}{os.pathsep}{os.environ["PATH"]}'
  page = build(model, name, recordings, answers)
  try:
    page.launch(
        server_name=place.host,
        server_port=place.port,
        share=place.share,
        prevent_thread_lock=True,
        max_file_size=uploads.MOST_BYTES,
        app_kwargs={'routes': routes.router(model).routes},
        footer_links=[],
        quiet=True,
        ssr_mode=False,
        theme=_THEME,
    )
  except OSError as error:
    raise UserError(
        f'Cannot listen on {place.host}:{place.port}; give another --port.'
    ) from error
  return page
