"""Tests `evaluation/subjects/abx_items.py`, and ABX beside fastabx."""

import json

import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.metrics import abx, triphones
from audiolm_jax.evaluation.metrics.labels import Interval
from audiolm_jax.evaluation.metrics.triphones import Speech
from audiolm_jax.evaluation.subjects import abx_items
from tests.evaluation import fastabx_fixture as fixture


def items_of(tmp_path, lines) -> abx_items.Items:
  path = tmp_path / 'test.item'
  path.write_text('\n'.join([fixture.HEADER, *lines]) + '\n')
  return abx_items.read(path)


def measured(tmp_path, seed, features=None) -> abx.Abx:
  lines = fixture.items(seed)
  items = items_of(tmp_path, lines)
  if features is None:
    features = fixture.features(seed, lines)
  features = [features[int(name[1:])] for name in items.files]
  return abx.errors_of(features, items.triphones, float(fixture.RATE))


@pytest.mark.parametrize('seed', range(3))
def test_errors_are_those_of_fastabx(tmp_path, monkeypatch, seed):
  """Unbalanced cells, so that any other order of the means would differ."""
  monkeypatch.setattr(triphones, 'MAX_TOKENS', 10**6)
  expected = json.loads(fixture.FIXTURE.read_text())[str(seed)]
  found = measured(tmp_path, seed)
  assert found.within == pytest.approx(expected['within'], abs=1e-7)
  assert found.across == pytest.approx(expected['across'], abs=1e-7)


def test_features_of_other_clips_are_at_chance(tmp_path):
  lines = fixture.items(0)
  right = measured(tmp_path, 0)
  shifted = np.roll(fixture.features(0, lines), 1, axis=0)
  wrong = measured(tmp_path, 0, shifted)
  assert right.within < 0.1 < 0.4 < wrong.within < 0.6


def test_what_is_written_is_what_was_said(tmp_path):
  phones = [Interval(0.1 * i, 0.1 * i + 0.1, p) for i, p in enumerate('kaʃti')]
  spoken = {'one': Speech(phones, 'ann'), 'two': Speech(phones[1:], 'bob')}
  path = tmp_path / 'made.item'
  abx_items.write(path, spoken)
  items = abx_items.read(path)
  assert items.files == ['one', 'two']
  expected = [
      triphone
      for clip, speech in enumerate(spoken.values())
      for triphone in triphones.of_clip(speech, clip)
  ]
  assert len(items.triphones) == 5
  for found, known in zip(items.triphones, expected, strict=True):
    assert found.start_seconds == pytest.approx(known.start_seconds)
    assert found[3:] == known[3:] and found.clip == known.clip


@pytest.mark.parametrize(
    'lines, message',
    [
        (['f 0.1 0.2 a k t'], ':2: expected'),
        (['f 0.1 x a k t ann'], ':2: expected'),
    ],
)
def test_a_wrong_line_is_named(tmp_path, lines, message):
  with pytest.raises(UserError, match=message):
    items_of(tmp_path, lines)


def test_a_wrong_header_or_no_file_is_one_line(tmp_path):
  path = tmp_path / 'a.item'
  with pytest.raises(UserError, match='cannot read'):
    abx_items.read(path)
  path.write_text('file onset\n')
  with pytest.raises(UserError, match='first line must be'):
    abx_items.read(path)


def test_audio_is_found_below_the_folder(tmp_path):
  items = items_of(tmp_path, ['f1 0 1 a k t s', 'f0 0 1 a k t s'])
  (tmp_path / 'deep').mkdir()
  audio.write(tmp_path / 'deep' / 'f1.wav', np.zeros(10, np.float32), 16000)
  with pytest.raises(UserError, match='lacks 1 of 2 files.*f0'):
    abx_items.locate(items, tmp_path)
  audio.write(tmp_path / 'f0.wav', np.zeros(10, np.float32), 16000)
  found = [path.name for path in abx_items.locate(items, tmp_path)]
  assert found == ['f1.wav', 'f0.wav']


def test_figures_are_the_errors_with_intervals_over_speakers(tmp_path):
  lines = fixture.items(1)
  items = items_of(tmp_path, lines)
  frames = fixture.features(1, lines)
  features = [frames[int(name[1:])] for name in items.files]
  arguments = (features, items.triphones, float(fixture.RATE))
  errors = abx.errors_of(*arguments)
  within, across = abx.figures(*arguments)
  assert within.value == pytest.approx(100 * errors.within)
  assert across.value == pytest.approx(100 * errors.across)
  assert within.low <= within.value <= within.high
  assert (within.num_clips, within.num_groups) == (12, 3)
  assert abx.figures(*arguments) == (within, across)
