"""The tab on which a recording is continued, and heard while it is made."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
from jaxtyping import Float

from audiolm_jax.audio import Sound
from audiolm_jax.serving import (
    line,
    pictures,
    prompts,
    replies,
    uploads,
    verdict,
    wav,
)
from audiolm_jax.serving.model import MOST_SAMPLES, MOST_SECONDS, Model, Wish

Waveform = Float[np.ndarray, ' _']

_PROMPT_SECONDS = 3.0


class Result(NamedTuple):
  """The components that show one continuation."""

  group: gr.Group
  audio: gr.Audio
  picture: gr.Image
  words: gr.Markdown


def build(model: Model) -> None:
  """Lays the tab out, inside of a gr.Blocks."""
  with gr.Row():
    with gr.Column(scale=2):
      inputs = [*_recording(), *_settings(model)]
      with gr.Row():
        stop = gr.Button('Stop')
        start = gr.Button('Continue it', variant='primary')
    with gr.Column(scale=3):
      live = gr.Audio(
          label='Heard while it is made (the first sample)',
          streaming=True,
          autoplay=True,
          buttons=[],
          elem_id='live',
      )
      results = [_result(number) for number in range(MOST_SAMPLES)]
  outputs = [live, *(part for result in results for part in result)]

  @replies.mended
  def go_on(path: str | None, prompt_seconds: replies.Number, *asked: Any):
    wish = _wish(model, *asked)
    prompt = uploads.read(path, model.sample_rate)
    prompt = prompt[: round(prompt_seconds * model.sample_rate)]
    with model.line.place() as is_first:
      yield from ([gr.skip()] * len(outputs) for _ in line.until(is_first))
      yield from _continue(model, prompt, wish)

  event = start.click(
      go_on,
      inputs,
      outputs,
      concurrency_id='model',
      api_visibility='private',
  )
  stop.click(None, cancels=[event], api_visibility='private')


def _recording() -> list[Any]:
  """Inputs for the prompt: its recording, and the seconds of it to take."""
  recording = gr.Audio(
      sources=['upload', 'microphone'],
      type='filepath',
      label='Prompt: record, upload, or pick one below',
      elem_id='prompt',
  )
  pick = gr.Dropdown(
      list(prompts.shipped()),
      value=None,
      label='Prompts that come with the package',
      elem_id='shipped',
  )
  pick.input(prompts.played, pick, recording, api_visibility='private')
  seconds = gr.Slider(
      uploads.SHORTEST,
      10,
      _PROMPT_SECONDS,
      step=0.5,
      label='Seconds of it that are the prompt',
  )
  return [recording, seconds]


def _settings(model: Model) -> list[Any]:
  seconds = gr.Slider(1, MOST_SECONDS, 7, step=1, label='Seconds to add')
  with gr.Accordion('Settings', open=False):
    samples = gr.Slider(1, MOST_SAMPLES, 1, step=1, label='Samples')
    seed = gr.Number(0, precision=0, minimum=0, label='Seed')
    acoustics = gr.Radio(
        model.acoustics,
        value=model.acoustics[0],
        label='Acoustics: parallel is SoundStorm',
    )
    temperatures = [
        gr.Slider(0, 1.5, value, step=0.05, label=f'Temperature: {name}')
        for name, value in model.temperatures.items()
    ]
  return [seconds, samples, seed, acoustics, *temperatures]


def _wish(
    model: Model,
    seconds: replies.Number,
    samples: replies.Number,
    seed: replies.Number | None,
    acoustics: str,
    *temperatures: replies.Number,
) -> Wish:
  named = tuple(zip(model.temperatures, map(float, temperatures), strict=True))
  return Wish(
      float(seconds), int(samples), int(seed or 0), acoustics, named
  ).check()


def _result(number: int) -> Result:
  with gr.Group(visible=False) as group:
    audio = gr.Audio(
        label=f'Sample {number + 1}, to keep',
        buttons=['download'],
        elem_id=f'sample-{number}',
    )
    picture = gr.Image(
        show_label=False, buttons=[], elem_id=f'picture-{number}'
    )
    words = gr.Markdown(padding=True)
  return Result(group, audio, picture, words)


def _continue(model: Model, prompt: Waveform, wish: Wish) -> Iterator[Any]:
  """Chunks for the live player, at last all results as well."""
  nothing = [gr.update(visible=False), None, None, ''] * MOST_SAMPLES
  yield [None, *nothing]
  chunks = []
  unchanged = [gr.skip()] * len(nothing)
  for rows in model.stream(prompt, wish):
    chunks.append(rows)
    yield [(model.sample_rate, wav.samples(rows[0])), *unchanged]
  shown = []
  for pieces in zip(*chunks, strict=True):
    shown += _show(model, np.concatenate(pieces), prompt)
  yield [gr.skip(), *shown, *nothing[len(shown) :]]


def _show(model: Model, waveform: Waveform, prompt: Waveform) -> list[Any]:
  rate = model.sample_rate
  border = model.num_prompt_samples(prompt) / rate
  heard = model.hear(waveform)
  track = verdict.track(heard, model.labels)
  return [
      gr.update(visible=True),
      (rate, wav.samples(waveform)),
      pictures.draw(Sound(waveform, rate), border, track),
      verdict.phrase(heard, model.labels, border),
  ]
