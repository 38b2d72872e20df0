"""Clicks through the page of audiolm_jax/serving, in a headless browser."""

import contextlib
import time

import pytest
import tiny

from audiolm_jax import audio
from audiolm_jax.serving import server
from audiolm_jax.serving.answers import Answers
from tests.serving import browser

pytestmark = pytest.mark.slow


@pytest.fixture(name='context', scope='module')
def fixture_context():
  with browser.context() as context:
    yield context


@pytest.fixture(name='answers', scope='module')
def fixture_answers(tmp_path_factory):
  return tmp_path_factory.mktemp('answers')


@pytest.fixture(name='served', scope='module')
def fixture_served(context, model, recording, answers):
  page = server.start(model, 'tiny', [recording], answers, server.Place())
  yield page.local_url
  page.close()


@pytest.fixture(name='page')
def fixture_page(context, served):
  page = context.new_page()
  page.goto(served)
  yield page
  with contextlib.suppress(Exception):
    page.close()


def give(page, path):
  """Uploads a prompt and asks for its continuation."""
  page.set_input_files('#prompt input[type=file]', str(path))
  # What is there once the upload is.
  page.wait_for_selector('#prompt [aria-label="Clear"]')
  page.get_by_role('button', name='Continue it').click()


def test_an_upload_is_continued_drawn_and_offered(
    page, recording, model, tmp_path
):
  give(page, recording)
  page.wait_for_selector('#picture-0 img')
  assert 'The detector' in page.inner_text('body')
  with page.expect_download() as download:
    page.locator('#sample-0 a[download]').last.click()
  download.value.save_as(tmp_path / 'kept.wav')
  length = audio.duration(tmp_path / 'kept.wav')
  assert length == pytest.approx(1.0 + 7.0, abs=0.05)


def test_what_is_no_audio_costs_a_line_and_harms_nobody(
    page, recording, tmp_path
):
  bad = tmp_path / 'bad.wav'
  bad.write_text('no audio at all')
  give(page, bad)
  said = page.locator('[data-testid=toast-body]').inner_text()
  assert 'bad.wav' in said and 'Traceback' not in said and '/tmp' not in said
  page.locator('#prompt [aria-label="Clear"]').click()
  give(page, recording)
  page.wait_for_selector('#picture-0 img')


def test_two_windows_at_once_are_both_served(context, served, page, recording):
  other = context.new_page()
  other.goto(served)
  for window in (page, other):
    give(window, recording)
  for window in (page, other):
    window.wait_for_selector('#picture-0 img')
  other.close()


@pytest.fixture(name='endless')
def fixture_endless(model, monkeypatch):
  """Lets the model go on for ever, at five times the speed of sound."""

  def stream(prompt, wish):
    while True:
      time.sleep(0.1)
      yield [tiny.noise(1, 0.5)[0]]

  monkeypatch.setattr(model, 'stream', stream)


def test_it_is_heard_before_all_is_made_and_a_closed_window_ends_it(
    page, recording, model, endless
):
  give(page, recording)
  page.wait_for_function(
      "document.querySelector('#live audio')?.currentTime > 0.5"
  )
  assert len(model.line) == 1
  page.close()
  end = time.monotonic() + 60
  while len(model.line):
    assert time.monotonic() < end
    time.sleep(0.1)


def test_stop_gives_the_turn_back(page, recording, model, endless):
  give(page, recording)
  page.wait_for_function("document.querySelector('#live audio') != null")
  page.get_by_role('button', name='Stop', exact=True).click()
  end = time.monotonic() + 60
  while len(model.line):
    assert time.monotonic() < end
    time.sleep(0.1)


def test_a_voice_says_what_another_recording_says(page, recording):
  page.get_by_role('tab', name='Another voice').click()
  for name in ('said', 'voice'):
    page.set_input_files(f'#{name} input[type=file]', str(recording))
    page.wait_for_selector(f'#{name} [aria-label="Clear"]')
  page.get_by_role('button', name='Say it').click()
  page.wait_for_selector('#said-by a[download]')


def test_an_answer_is_written_down_and_judged(page, answers):
  page.get_by_role('tab', name='Listening test').click()
  page.fill('#listener input, #listener textarea', 'Eve')
  page.get_by_role('button', name='Begin').click()
  verdict = page.get_by_role('button', name='It is real')
  # Waits until it can be clicked, that is, until the trial can be heard.
  verdict.click()
  page.get_by_role('button', name='Show the result').click()
  page.wait_for_function(
      "document.querySelector('#result').innerText.includes('of 1 right')"
  )
  (answer,) = Answers(answers).read()
  assert (answer.listener, answer.trial) == ('Eve', 0)
  assert answer.answer == 'original'
