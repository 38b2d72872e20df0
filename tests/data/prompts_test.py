"""Tests the prompts that are shipped in data/prompts."""

import json
import pathlib

import pytest

from audiolm_jax import audio
from data.shipped import cut_prompts, kokoro, midi_pieces

FOLDER = pathlib.Path(cut_prompts.__file__).parents[1] / 'prompts'
PROMPTS = json.loads((FOLDER / 'prompts.json').read_text(encoding='utf-8'))


def test_every_prompt_is_described_and_nothing_else_is():
  described = {prompt['file'] for prompt in PROMPTS}
  assert described == {path.name for path in FOLDER.glob('*.flac')}
  assert described == {f'{cut.name}.flac' for cut in cut_prompts.CUTS}


@pytest.mark.parametrize('prompt', PROMPTS, ids=lambda prompt: prompt['file'])
def test_prompt_is_as_described(prompt):
  path = FOLDER / prompt['file']
  assert audio.duration(path) == prompt['seconds']
  assert prompt['domain'] == prompt['file'].partition('_')[0]
  assert abs(audio.read(path, 16000)).max() > 0.1
  assert path.stat().st_size < 100_000


def test_prompts_are_held_out():
  assert {prompt['split'] for prompt in PROMPTS} == {'test'}
  voices = {p['speaker'] for p in PROMPTS if p['source'] == 'kokoro'}
  assert all(kokoro.SPLITS[voice] == 'test' for voice in voices)
  pieces = {p['piece'] for p in PROMPTS if p['domain'] == 'piano'}
  assert all(midi_pieces.SPLITS[piece] == 'test' for piece in pieces)


def test_every_prompt_has_its_licence_told():
  told = (FOLDER / 'LICENSES.md').read_text(encoding='utf-8')
  assert all(prompt['file'] in told for prompt in PROMPTS)
