"""Tests phones.py and phone_times.py; nothing is synthesised."""

import numpy as np
import pytest

from audiolm_jax import audio, corpus
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.metrics import labels
from data.shipped import austen, kokoro, phone_times, phones

PASSAGES = {
    split: [austen.Passage(f'{split}-{i}', 'text') for i in range(20)]
    for split in ('train', 'dev', 'test')
}


def test_marks_join_the_phones_they_belong_to():
  """The judge: a stress mark, two letters of one phone, a long vowel, a gap."""
  characters = 'ðə dʒˈʌdʒ ˌaɪ iː.'
  found = phone_times.phones(characters, [0.1] * len(characters), start=1.0)
  assert [label for *_, label in found] == [
      'ð',
      'ə',
      'dʒ',
      'ʌ',
      'dʒ',
      'aɪ',
      'iː',
  ]
  times = [(round(start, 1), round(end, 1)) for start, end, _ in found]
  assert times[:4] == [(1.0, 1.1), (1.1, 1.2), (1.3, 1.5), (1.5, 1.7)]
  assert times[4:] == [(1.7, 1.9), (2.0, 2.3), (2.4, 2.6)]


def test_letters_of_two_words_are_not_joined():
  found = phone_times.phones('t ʃ', [0.1] * 3)
  assert [label for *_, label in found] == ['t', 'ʃ']


def test_voices_take_turns_in_held_out_novels():
  readings = phones.plan(PASSAGES, 12)
  for voice in kokoro.SPLITS:
    mine = [r.passage.name for r in readings if r.voice == voice]
    assert len(mine) == 2
    assert all(name.startswith(kokoro.SPLITS[voice]) for name in mine)
  assert len({r.passage.name for r in readings}) == 12
  assert phones.plan(PASSAGES, 18)[:12] == readings
  with pytest.raises(UserError, match='text for') as caught:
    phones.plan(PASSAGES, 200)
  assert '\n' not in str(caught.value)


def test_a_clip_has_its_phones_beside_it(tmp_path, monkeypatch):
  class Hum:

    def say_phones(self, text, voice):
      waveform = np.sin(np.arange(2 * kokoro.SAMPLE_RATE) / 30)
      return kokoro.Spoken(waveform.astype(np.float32), [(0.5, 1.5, 'm')])

  monkeypatch.setattr(phones, '_speaker', Hum)
  clip = phones.read_aloud(phones.plan(PASSAGES, 1)[0], tmp_path)
  assert audio.duration(clip.path) == clip.seconds == 2.0
  assert labels.read(clip.labels) == [(0.5, 1.5, 'm')]
  assert phones.read_aloud(phones.plan(PASSAGES, 1)[0], tmp_path) == clip
  corpus.write_manifest(tmp_path / 'phones.jsonl', [clip])
  assert corpus.read_manifest(tmp_path / '*.jsonl', clip.split)[0].labels
