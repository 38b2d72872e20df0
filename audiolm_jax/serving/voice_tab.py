"""The tab on which somebody else says what a recording says."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from audiolm_jax.serving import line, prompts, replies, uploads, wav
from audiolm_jax.serving.model import Model, Wish

# Seconds of what is said and of the voice that are used.
_SAID_SECONDS, _VOICE_SECONDS = 10.0, 3.0


def build(model: Model) -> None:
  """Lays the tab out, inside of a gr.Blocks."""
  gr.Markdown(
      f'What is said in the first {_SAID_SECONDS:g} s of one recording, in the'
      f' voice of the first {_VOICE_SECONDS:g} s of another; without a voice,'
      ' one is drawn.'
  )
  with gr.Row():
    said = _recording('What is said', 'said')
    voice = _recording('Whose voice shall say it', 'voice')
  seed = gr.Number(0, precision=0, minimum=0, label='Seed')
  start = gr.Button('Say it', variant='primary')
  made = gr.Audio(
      label='The same in another voice', buttons=['download'], elem_id='said-by'
  )

  @replies.mended
  def say(path: str | None, voice: str | None, seed: replies.Number | None):
    yield from _say(model, path, voice, int(seed or 0))

  start.click(
      say,
      [said, voice, seed],
      made,
      concurrency_id='model',
      api_visibility='private',
  )


def _recording(label: str, name: str) -> gr.Audio:
  with gr.Column():
    recording = gr.Audio(
        sources=['upload', 'microphone'],
        type='filepath',
        label=label,
        elem_id=name,
    )
    pick = gr.Dropdown(
        list(prompts.shipped()), value=None, label='or a shipped one'
    )
    pick.input(prompts.played, pick, recording, api_visibility='private')
  return recording


def _say(
    model: Model, path: str | None, voice: str | None, seed: int
) -> Iterator[Any]:
  Wish(seed=seed).check()
  rate = model.sample_rate
  said = uploads.read(path, rate)[: round(_SAID_SECONDS * rate)]
  who = None
  if voice is not None:
    who = uploads.read(voice, rate)[: round(_VOICE_SECONDS * rate)]
  with model.line.place() as is_first:
    yield from (gr.skip() for _ in line.until(is_first))
    yield rate, wav.samples(model.another_voice(said, who, seed))
