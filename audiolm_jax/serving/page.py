"""The page: its three tabs."""

import pathlib
from collections.abc import Sequence

import gradio as gr

from audiolm_jax.serving import continue_tab, listening_tab, voice_tab
from audiolm_jax.serving.model import Model

_MOST_WAITING = 16


def build(
    model: Model,
    name: str,
    recordings: Sequence[pathlib.Path],
    answers: pathlib.Path,
) -> gr.Blocks:
  """Builds the page.

  Args:
    model: Models that answer the page.
    name: Name of the bundle, for the title.
    recordings: Paths of the recordings of the listening test.
    answers: Folder for what its listeners say.
  """
  with gr.Blocks(title=f'audiolm: {name}', analytics_enabled=False) as page:
    gr.Markdown(
        f'# audiolm: {name}\n'
        'Audio in, a continuation of it out. The first one of each length takes'
        ' longer: programs are compiled.'
    )
    with gr.Tab('Continue'):
      continue_tab.build(model)
    if 'semantic' in model.bundle.parts:
      with gr.Tab('Another voice'):
        voice_tab.build(model)
    with gr.Tab('Listening test'):
      listening_tab.build(model, recordings, answers)
  page.queue(max_size=_MOST_WAITING, default_concurrency_limit=1)
  return page
