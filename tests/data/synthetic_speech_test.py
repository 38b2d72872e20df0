"""Tests what is read by whom, and speech.py; nothing is synthesised."""

import collections
import itertools

import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.corpus import Clip, read_manifest, write_manifest
from audiolm_jax.errors import UserError
from data.shipped import austen, kokoro, speech, synthetic_speech, voices

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
  readings = list(synthetic_speech.plan(austen.passages(0), 80, 10))
  for group in (
      lambda reading: reading.voice,
      lambda reading: reading.passage.text,
      lambda reading: reading.passage.name.rpartition('-')[0],
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


def test_blends_never_mix_splits():
  for voice in voices.TRAIN + voices.HELD_OUT:
    parents = voice.split('+')
    assert set(parents) <= set(kokoro.VOICES)
    assert {voices.split(parent) for parent in parents} == {voices.split(voice)}
  assert {voices.split(voice) for voice in voices.TEST_BLENDS} == {'test'}


def test_blends_are_distinct_and_those_of_training_have_one_accent():
  assert all(
      len({name[0] for name in b.split('+')}) == 1 for b in voices.BLENDS
  )
  pairs = {frozenset(b.split('+')) for b in voices.BLENDS + voices.TEST_BLENDS}
  assert len(pairs) == len(voices.BLENDS) + 4 >= 28
  assert all(len(pair) == 2 for pair in pairs)


def test_a_held_out_voice_is_heard_once_in_four_rounds(novels):
  period = 4 * len(voices.TRAIN) + len(voices.HELD_OUT)
  turns = collections.Counter(itertools.islice(voices.turns(), period))
  assert {turns[voice] for voice in voices.TRAIN} == {4}
  assert {turns[voice] for voice in voices.HELD_OUT} == {1}
  assert len(voices.HELD_OUT) / period < 0.06


def test_each_speaker_of_the_crowd_is_heard_once_and_held_out_ones_never():
  crowd = list(itertools.islice(voices.crowd(), 1000))
  assert len({frozenset(voice.split('+')) for voice in crowd}) == 1000
  parents = {parent for voice in crowd for parent in voice.split('+')}
  assert parents == (
      set(kokoro.VOICES) - set(kokoro.SPLITS) | set(kokoro.FOREIGN)
  )


def test_the_crowd_moves_no_other_plan_and_reads_no_held_out_text(novels):
  passages = austen.passages(0)
  alone = list(synthetic_speech.plan(passages, 20, 5))
  plan = list(synthetic_speech.plan(passages, 20, 5, 60))
  assert plan[:25] == alone
  assert list(synthetic_speech.plan(passages, 20, 5, 30)) == plan[:55]
  crowd = plan[25:]
  assert {(r.source, r.split) for r in crowd} == {('crowd', 'train')}
  read = {r.passage.text for r in crowd}
  assert len(read) == 60
  held_out = {r.passage.text for r in alone if r.split != 'train'}
  held_out |= {p.text for s in ('dev', 'test') for p in passages[s]}
  assert held_out and not read & held_out
  plain = [r.passage.name.startswith('plain-train') for r in crowd]
  assert plain == [False, True] * 30


def test_a_voice_reads_austen_and_stories_by_turns(novels):
  read = collections.defaultdict(list)
  for reading in synthetic_speech.plan(austen.passages(0), 150, 0):
    read[reading.voice].append(reading.passage.name.startswith('plain'))
  for kinds in read.values():
    assert all(one != two for one, two in itertools.pairwise(kinds))
  plain = sum(kinds[0] for kinds in read.values())
  assert abs(2 * plain - len(read)) <= 1


def _clips(folder, count):
  return [
      Clip(str(folder / f'{n}.flac'), 1.0, 'train', 'x', 'x')
      for n in range(count)
  ]


def test_an_interrupted_build_leaves_a_manifest(tmp_path):
  clips = _clips(tmp_path, 300)

  def spoken():
    yield from clips[20:200]
    raise KeyboardInterrupt

  manifest = tmp_path / 'manifest.jsonl'
  with pytest.raises(KeyboardInterrupt):
    speech.grow(manifest, clips[:20], spoken())
  assert 100 < len(read_manifest(manifest)) <= 200
  assert read_manifest(manifest) == clips[: len(read_manifest(manifest))]


def test_a_resumed_build_never_shortens_the_manifest(tmp_path):
  clips = _clips(tmp_path, 300)
  manifest = tmp_path / 'manifest.jsonl'
  write_manifest(manifest, clips[:200])
  lengths = []

  def spoken():
    for clip in clips[20:]:
      lengths.append(len(read_manifest(manifest)))
      yield clip

  assert speech.grow(manifest, clips[:20], spoken()) == clips
  assert lengths == sorted(lengths)
  assert lengths[0] == 200 and lengths[-1] > 200


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
