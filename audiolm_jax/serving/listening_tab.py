"""The tab of the listening test: is what follows a prompt real (s. IV-G)?"""

import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gradio as gr

from audiolm_jax.classifier.labels import GENERATED, ORIGINAL
from audiolm_jax.errors import UserError
from audiolm_jax.serving import answers, line, replies, trials, wav
from audiolm_jax.serving.answers import Answer, Answers
from audiolm_jax.serving.model import Model, Wish
from audiolm_jax.serving.trials import Trial

_INTRODUCTION = """
You hear a recording. After its first seconds it either goes on as it did, or a
model has continued it; all of it has gone through the same codec. What do you
hear? Whether you were right is not told before you ask for the result.
"""


class Sitting(NamedTuple):
  """A listener's place in the test; on the server, so the page tells nothing.

  Attributes:
    listener: Name of the listener.
    seed: Seed of the trials.
    trial: Trial that is to be judged.
  """

  listener: str
  seed: int
  trial: Trial


class Test(NamedTuple):
  """The settings that all sittings have in common."""

  model: Model
  recordings: Sequence[pathlib.Path]
  kept: Answers


def build(
    model: Model, recordings: Sequence[pathlib.Path], folder: pathlib.Path
) -> None:
  """Lays the tab out, inside of a gr.Blocks; answers go into the folder."""
  test = Test(model, recordings, Answers(folder))
  gr.Markdown(_INTRODUCTION)
  sitting = gr.State()
  with gr.Row():
    listener = gr.Textbox(label='Your name', elem_id='listener', max_length=50)
    seed = gr.Number(0, precision=0, minimum=0, label='Seed of the order')
    begin = gr.Button('Begin', variant='primary')
  heard = gr.Audio(label='Trial', buttons=[], elem_id='trial', autoplay=True)
  with gr.Row():
    verdicts = {
        ORIGINAL: gr.Button('It is real', interactive=False),
        GENERATED: gr.Button('A model goes on', interactive=False),
    }
  show = gr.Button('Show the result')
  result = gr.Markdown(elem_id='result')
  shown = [sitting, heard, *verdicts.values()]

  @replies.mended
  def start(listener: str, seed: replies.Number | None):
    yield from _start(test, listener.strip(), int(seed or 0))

  begin.click(
      start,
      [listener, seed],
      shown,
      concurrency_id='model',
      api_visibility='private',
  )
  for verdict, button in verdicts.items():
    button.click(
        replies.mended(_answering(test, verdict)),
        sitting,
        shown,
        concurrency_id='model',
        api_visibility='private',
    )
  show.click(
      lambda name: _result(test.kept, name.strip()),
      listener,
      result,
      api_visibility='private',
  )


def _answering(test: Test, verdict: str) -> replies.Function:
  """A click on a verdict: it is written down, and the next trial comes."""

  def answer(sitting: Sitting) -> Iterator[Any]:
    trial = sitting.trial
    test.kept.add(
        Answer(
            sitting.listener,
            trial.number,
            sitting.seed,
            trial.recording.name,
            test.model.bundle.fingerprint,
            trial.truth,
            verdict,
        )
    )
    yield from _start(test, sitting.listener, sitting.seed)

  return answer


def _start(test: Test, listener: str, seed: int) -> Iterator[Any]:
  """Plays the next trial that the listener has not judged."""
  Wish(seed=seed).check()
  if not listener:
    raise UserError('Give a name, or any word that is yours.')
  # No second click on what has been judged.
  closed = gr.update(interactive=False)
  yield [None, None, closed, closed]
  fingerprint = test.model.bundle.fingerprint
  judged = {
      answer.trial
      for answer in test.kept.read()
      if (answer.listener, answer.seed) == (listener, seed)
      and answer.model == fingerprint
  }
  number = len(judged)
  trial = trials.trial(test.recordings, seed, number)
  with test.model.line.place() as is_first:
    yield from ([gr.skip()] * 4 for _ in line.until(is_first))
    waveform, border = trials.sound(trial, test.model)
  label = f'Trial {number + 1}: what follows the first {border:.1f} s?'
  player = gr.update(
      value=(test.model.sample_rate, wav.samples(waveform)), label=label
  )
  opened = gr.update(interactive=True)
  yield [Sitting(listener, seed, trial), player, opened, opened]


def _result(kept: Answers, listener: str) -> str:
  given = kept.read()
  own = [answer for answer in given if answer.listener == listener]
  return (
      f'You: {answers.score_of(own)}.\n\n'
      f'All listeners: {answers.score_of(given)}.\n\n'
      'p: two-sided exact binomial test against guessing. A small p says that'
      ' the two kinds can be told apart.'
  )
