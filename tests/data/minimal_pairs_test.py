"""Tests minimal_pairs.py, nonwords.py, grammar.py; nothing is spoken."""

import collections
import itertools

import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.subjects import minimal_pairs as reader
from data.shipped import austen, grammar, kokoro, minimal_pairs, nonwords

# Half of what can be said, so that the other half is no word.
PARTS = ('bdfkmst', 'aɛɪʌ', 'lmnst', ('ɚ', 'ən', 'əl', 'ɪk', 'ə'))
SAID = {
    ''.join(parts): 'ˈ' + ''.join(parts) + 'z'
    for i, parts in enumerate(itertools.product(*PARTS))
    if i % 7 in (0, 2, 3)
}
WORDS = {word: nonwords.BANDS[i % 5] for i, word in enumerate(sorted(SAID))}


def made(count: int = 12, seed: int = 0) -> list[nonwords.WordPair]:
  return list(itertools.islice(nonwords.pairs(WORDS, SAID, seed), count))


def test_phones_have_their_length_and_no_stress():
  assert nonwords.phones('sˈuːpɚ fɪ') == ('s', 'uː', 'p', 'ɚ', 'f', 'ɪ')


def test_a_nonword_differs_in_one_phone_of_its_kind_and_is_no_word():
  pairs = made()
  assert len(pairs) == 12
  runs = {
      run for p in SAID.values() for run in nonwords._runs(nonwords.phones(p))
  }
  words = {nonwords.phones(phonemes) for phonemes in SAID.values()}
  for pair in pairs:
    word, nonword = map(nonwords.phones, (pair.phonemes, pair.nonword))
    changed = [(a, b) for a, b in zip(word, nonword, strict=True) if a != b]
    assert len(changed) == 1
    assert len({phone in nonwords._VOWELS for phone in changed[0]}) == 1
    assert nonword not in words and set(nonwords._runs(nonword)) <= runs
  assert len({pair.nonword for pair in pairs}) == 12


def test_bands_of_frequency_take_turns_and_more_pairs_extend_fewer():
  assert [pair.frequency for pair in made(10)] == 2 * list(nonwords.BANDS)
  assert made(12)[:5] == made(5) and made(5, seed=1) != made(5)


def test_names_are_no_words_and_the_first_text_counts():
  found = nonwords.vocabulary('The house of Emma. The house', 'emma at the inn')
  assert found == {'at': 0, 'house': 2, 'inn': 0, 'of': 1}


def test_no_word_tells_which_sentence_is_right():
  """Each word is as often in the good sentences as in the bad ones."""
  pairs = grammar.pairs(0)
  assert len({(p.subtype, p.good, p.bad) for p in pairs}) == len(pairs) > 300
  counts = collections.defaultdict(collections.Counter)
  for pair in pairs:
    good, bad = (s.rstrip('.').split() for s in (pair.good, pair.bad))
    assert sum(a != b for a, b in zip(good, bad, strict=True)) == 1
    counts[pair.subtype].update(good)
    counts[pair.subtype].subtract(bad)
  for subtype, words in counts.items():
    assert not any(words.values()), (subtype, words)


def test_templates_take_turns():
  assert len({pair.subtype for pair in grammar.pairs(3)[:5]}) == 5


class Hum:
  """Speaks any text for as long as it is."""

  def phonemes(self, text, language='en-us'):
    return SAID.get(text, text.lower())

  def say_phonemes(self, phonemes, voice):
    waveform = np.sin(np.arange(1000 * len(phonemes)) / 30)
    return kokoro.Spoken(waveform.astype(np.float32), [])


@pytest.fixture
def humming(monkeypatch):
  monkeypatch.setattr(minimal_pairs, '_speaker', Hum)
  text = ' '.join(word for word in SAID for _ in range(2))
  held_out = dict.fromkeys(('persuasion', 'northangerabbey'), ['unheard'])
  novels = {'emma': [text], **held_out}
  monkeypatch.setattr(austen, 'novels', lambda: novels)


class Here:
  """A pool of no processes."""

  def __init__(self, workers):
    pass

  def __enter__(self):
    return self

  def __exit__(self, *error):
    pass

  def map(self, function, items, chunksize):
    return map(function, items)


def test_what_is_built_is_read_as_zerospeech_is(tmp_path, humming, monkeypatch):
  monkeypatch.setattr(minimal_pairs, 'worker_processes', Here)
  pairs = made(3)
  monkeypatch.setattr(nonwords, 'pairs', lambda *_: iter(pairs))
  voices = ['af_nova', 'am_adam']
  rows = {
      'lexical': minimal_pairs.lexical_rows(3, voices, 0),
      'syntactic': minimal_pairs.syntactic_rows(4, voices, 0),
  }
  for task in rows:
    minimal_pairs.build(tmp_path / task / 'dev', rows[task], 1)
  found = reader.read(tmp_path)
  assert [len(found[task]) for task in rows] == [6, 8]
  assert {pair.voice for pair in found['lexical']} == set(voices)
  frequencies = [pair.frequency for pair in found['lexical'][::2]]
  assert frequencies == [pair.frequency for pair in pairs]
  # What is there is not spoken again.
  [path] = {found['lexical'][0].good}
  path.write_bytes(b'kept')
  minimal_pairs.build(tmp_path / 'lexical' / 'dev', rows['lexical'], 1)
  assert path.read_bytes() == b'kept'


def test_files_of_two_pairs_are_two(humming):
  rows = minimal_pairs.syntactic_rows(392, ['af_nova'], 0)
  assert len({row.columns['filename'] for row in rows}) == 2 * 392


def test_more_pairs_than_there_are_is_one_line(humming):
  with pytest.raises(UserError, match='--syntactic_pairs=392'):
    minimal_pairs.syntactic_rows(1000, ['af_nova'], 0)
