"""Tests `audiolm_jax/evaluation/subjects/generated.py`."""

import json
import pathlib

import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.subjects import generated

SAMPLE_RATE = 16000


@pytest.fixture
def folder(tmp_path, voice, other_voice) -> pathlib.Path:
  """Two prompts; one is continued well, the other's prompt is the wrong one."""
  silence = np.zeros(SAMPLE_RATE, np.float32)
  audio.write(tmp_path / 'a.wav', voice, SAMPLE_RATE)
  audio.write(tmp_path / 'b.wav', other_voice, SAMPLE_RATE)
  good, bad = (voice, other_voice), (voice, silence)
  audio.write(tmp_path / 'good.wav', np.concatenate(good), SAMPLE_RATE)
  audio.write(tmp_path / 'bad.wav', np.concatenate(bad), SAMPLE_RATE)
  audio.write(tmp_path / 'free.wav', other_voice, SAMPLE_RATE)
  lines = [
      {'file': 'good.wav', 'prompt': str(tmp_path / 'a.wav')},
      {'file': 'bad.wav', 'prompt': 'b.wav'},
      {'file': 'free.wav', 'prompt': None, 'prompt_seconds': 0.0},
      # Acoustic generation: the prompt's words, none of its sound.
      {'file': 'free.wav', 'prompt': 'b.wav', 'prompt_seconds': 0.0},
  ]
  (tmp_path / 'manifest.jsonl').write_text(
      ''.join(
          json.dumps({'prompt_seconds': 3.0} | line) + '\n' for line in lines
      )
  )
  return tmp_path


def test_good_and_bad_are_told_apart(folder):
  good, bad, *free = generated.check(folder)
  assert good.prompt.recognised and good.continuation.faults == []
  assert not bad.prompt.recognised
  assert 'silent' in bad.continuation.faults
  for found in free:
    assert found.prompt is None and found.continuation.faults == []


def test_every_faulty_file_is_named_with_its_faults(folder):
  faulty = generated.faulty(generated.check(folder))
  assert faulty == {'bad.wav': ['silent', 'loop', 'prompt not recognised']}


def test_a_generation_no_longer_than_its_prompt_is_refused(folder, voice):
  audio.write(folder / 'good.wav', voice, SAMPLE_RATE)
  with pytest.raises(UserError, match='good.wav is not longer'):
    generated.check(folder)


def test_what_was_over_at_once_is_a_fault_and_no_mistake(folder, voice):
  for name, length in (('good', len(voice)), ('free', 0)):
    audio.write(folder / f'{name}.wav', voice[:length], SAMPLE_RATE)
  manifest = folder / 'manifest.jsonl'
  ended = [
      json.loads(line) | {'seconds': 0.0, 'stop_at_end': True}
      for line in manifest.read_text().splitlines()
      if 'bad.wav' not in line
  ]
  manifest.write_text(''.join(json.dumps(line) + '\n' for line in ended))
  for found in generated.check(folder):
    assert found.continuation.faults == ['nothing']


@pytest.mark.parametrize('line', ['', 'x', '[]', '{"file": "a.wav"}'])
def test_a_bad_manifest_is_named(folder, line):
  (folder / 'manifest.jsonl').write_text(line)
  with pytest.raises(UserError, match='manifest.jsonl'):
    generated.check(folder)


def test_a_folder_without_a_manifest_is_named(tmp_path):
  with pytest.raises(UserError, match='audiolm generate'):
    generated.read_manifest(tmp_path)
