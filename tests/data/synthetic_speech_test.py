"""Tests data/austen.py and data/synthetic_speech.py; nothing is synthesised."""

import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from data import austen, kokoro, synthetic_speech

NOVEL = """CHAPTER I

Emma went out. She met Mr. Knightley--who was tired--on the road, and they
walked together for a mile. "It rains," said he. They turned back at once.

CHAPTER II

She had a cold. He brought her 3 books. [Illustration]

It was a long winter, and nobody came to see them. The snow lay on the fields
until March. Then everything was wet.
"""


@pytest.fixture
def novels(monkeypatch):
  sentence = 'There was a house in {}, beyond {}, where a clergyman lived.'
  hills = [a + b for a in 'abcdefghij' for b in 'abcdefghij']
  books = {
      book: [
          sentence.format(book, f'{hill} hill') + ' He was not rich at all.\n'
          for hill in hills
      ]
      for book in ('emma', 'persuasion', 'northangerabbey', 'prideprejudice')
  }
  monkeypatch.setattr(austen, 'novels', lambda cache: books)


def test_passages_are_whole_sentences_of_one_chapter():
  passages = list(austen.split_prose(NOVEL))
  assert passages == [
      'Emma went out. She met Mister Knightley, who was tired, on the road, and'
      ' they walked together for a mile. It rains, said he. They turned back at'
      ' once.',
      'It was a long winter, and nobody came to see them. The snow lay on the'
      ' fields until March. Then everything was wet.',
  ]


def test_no_passage_is_too_long_or_too_short():
  prose = ' '.join(f'This is sentence {"very " * n}long.' for n in range(60))
  lengths = [len(passage) for passage in austen.split_prose(prose)]
  assert lengths and min(lengths) >= 90 and max(lengths) <= 240


def test_held_out_voices_read_held_out_novels(novels):
  readings = list(synthetic_speech.plan(austen.passages(0), 60, 10))
  for group in (
      lambda reading: reading.voice,
      lambda reading: reading.passage.text,
      lambda reading: reading.passage.name.split('-')[0],
  ):
    splits = {}
    for reading in readings:
      splits.setdefault(group(reading), set()).add(reading.split)
    assert all(len(found) == 1 for found in splits.values())
  assert {reading.split for reading in readings} == {'train', 'dev', 'test'}


def test_no_text_is_read_twice(novels):
  readings = list(synthetic_speech.plan(austen.passages(0), 50, 10))
  names = [reading.passage.name for reading in readings]
  assert len(set(names)) == len(names)


def test_more_minutes_extend_fewer(novels):
  passages = austen.passages(0)
  few = list(synthetic_speech.plan(passages, 20, 5))
  many = list(synthetic_speech.plan(passages, 40, 10))
  assert many[:20] == few[:20] and many[40:45] == few[20:]


def test_running_out_of_text_is_one_line(novels):
  with pytest.raises(UserError, match='minutes') as caught:
    list(synthetic_speech.plan(austen.passages(0), 5000, 0))
  assert '\n' not in str(caught.value)


def test_every_held_out_voice_exists():
  assert set(kokoro.SPLITS) <= set(kokoro.VOICES)


def test_clip_says_who_spoke_what_and_that_it_is_synthetic(
    tmp_path, monkeypatch
):
  class Hum:

    def say(self, text, voice):
      return np.sin(np.arange(kokoro.SAMPLE_RATE * 2) / 30).astype(np.float32)

  monkeypatch.setattr(synthetic_speech, '_engine', lambda name: Hum())
  passage = austen.Passage('emma-00001', 'Emma went out.')
  reading = synthetic_speech.Reading('kokoro', 'af_sky', 'train', passage)
  clip = synthetic_speech.read_aloud(reading, tmp_path)
  assert (clip.speaker, clip.transcript) == ('af_sky', 'Emma went out.')
  assert clip.source == 'kokoro' and clip.licence.startswith('synthetic')
  assert audio.duration(clip.path) == clip.seconds == 2.0
  assert synthetic_speech.read_aloud(reading, tmp_path) == clip
