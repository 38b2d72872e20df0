"""Tests `audiolm_jax/evaluation/subjects/minimal_pairs.py` and its table."""

import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.sections import probes
from audiolm_jax.evaluation.subjects import minimal_pairs
from audiolm_jax.evaluation.subjects.likelihoods import Likelihood
from audiolm_jax.evaluation.subjects.minimal_pairs import Pair
from tests import tiny

LEXICAL = 'id,filename,voice,frequency,word,phones,length,correct'
SYNTACTIC = 'id,filename,voice,type,subtype,transcription,correct'


def write(folder, task, header, *rows, wavs=True):
  path = folder / task / 'dev'
  path.mkdir(parents=True, exist_ok=True)
  (path / 'gold.csv').write_text('\n'.join([header, *rows]) + '\n')
  for number, row in enumerate(rows):
    name = row.split(',')[1]
    waveform = tiny.noise(1, 0.1 + 0.05 * number, seed=number)[0]
    if wavs:
      audio.write(path / f'{name}.wav', waveform, 16000)
  return folder


@pytest.fixture
def folder(tmp_path):
  write(
      tmp_path,
      'lexical',
      LEXICAL,
      # Voices and sides in an order of their own.
      '0,a,v1,7,night,n ay t,3,1',
      '0,c,v2,7,night,n ay t,3,1',
      '0,d,v2,7,nights,n ay s,3,0',
      '0,b,v1,7,nights,n ay s,3,0',
      '1,e,v1,0,knurl,n er l,3,1',
      '1,f,v1,0,knorl,n or l,3,0',
  )
  return write(
      tmp_path,
      'syntactic',
      SYNTACTIC,
      '0,a,v1,agreement,verb,she walks,1',
      '0,b,v1,agreement,verb,she walk,0',
      '0,c,v1,agreement,noun,this house,1',
      '0,d,v1,agreement,noun,this houses,0',
  )


def test_the_layout_of_zerospeech_is_read(folder):
  found = minimal_pairs.read(folder)
  names = [(p.voice, p.good.stem, p.bad.stem) for p in found['lexical']]
  assert sorted(names) == [
      ('v1', 'a', 'b'),
      ('v1', 'e', 'f'),
      ('v2', 'c', 'd'),
  ]
  assert {p.frequency for p in found['lexical']} == {7, 0}
  # The same id in two subtypes is two pairs.
  assert len({p.key for p in found['syntactic']}) == 2
  few = minimal_pairs.read(folder, max_pairs=1)
  assert [len(few['lexical']), len(few['syntactic'])] == [2, 1]


def scores(**nats):
  return {name: Likelihood(value, 10) for name, value in nats.items()}


PAIRS = [
    Pair('0', 'v1', 'a', 'b', 7.0),
    Pair('0', 'v2', 'c', 'd', 7.0),
    Pair('1', 'v1', 'e', 'f', 0.0),
    Pair('2', 'v1', 'g', 'h', float('nan')),
]


def test_voices_are_averaged_before_pairs():
  """By hand: pair 0 wins in one of two voices, 1 wins, 2 is a tie."""
  known = scores(a=-1, b=-2, c=-2, d=-1, e=-1, f=-3, g=-1, h=-1)
  found = minimal_pairs.success(PAIRS, known)
  assert found.value == pytest.approx((50 + 100 + 50) / 3)
  assert found.num_clips == 3
  assert found.low < found.value < found.high
  worse = {name: Likelihood(-s.nats, 10) for name, s in known.items()}
  assert minimal_pairs.success(PAIRS, worse).value == pytest.approx(100 / 3)


def test_words_that_are_not_in_the_vocabulary_are_left_out():
  kept = minimal_pairs.in_vocabulary(PAIRS)
  assert [pair.key for pair in kept] == ['0', '0']


def test_dividing_by_the_length_changes_who_wins():
  [pair] = [PAIRS[0]]
  known = {'a': Likelihood(-30.0, 30), 'b': Likelihood(-20.0, 10)}
  assert minimal_pairs.success([pair], known).value == 100
  whole = minimal_pairs.success([pair], known, minimal_pairs.whole)
  assert whole.value == 0


def test_scores_by_chance_are_at_chance():
  random = np.random.default_rng(0)
  pairs = [Pair(i, 'v', (i, 1), (i, 0)) for i in range(500)]
  known = {
      path: Likelihood(random.normal(), 1)
      for pair in pairs
      for path in (pair.good, pair.bad)
  }
  found = minimal_pairs.success(pairs, known)
  assert found.low < 50 < found.high and found.high - found.low < 12


def test_recordings_are_scored_by_the_bundle(folder):
  bundle = tiny.bundle()
  pairs = minimal_pairs.read(folder)
  paths = [
      path for some in pairs.values() for p in some for path in (p.good, p.bad)
  ]
  known = minimal_pairs.score(
      bundle.semantic, bundle.language_model('semantic'), paths
  )
  [alone] = minimal_pairs.score(
      bundle.semantic, bundle.language_model('semantic'), paths[:1]
  ).values()
  assert known[paths[0]].length == alone.length > 0
  assert known[paths[0]].nats == pytest.approx(alone.nats, rel=1e-4)
  text = tables.markdown(probes.table(pairs, known, 'By hand.'))
  assert '2 / 1 / 2' in text and 'AudioLM (stage 1) | 71.5' in text


def test_a_task_that_is_not_there_is_an_empty_cell(folder):
  pairs = {'syntactic': minimal_pairs.read(folder)['syntactic']}
  known = {
      path: Likelihood(-1.0, 1)
      for pair in pairs['syntactic']
      for path in (pair.good, pair.bad)
  }
  row = probes.table(pairs, known, '').rows[0]
  assert row[1:3] == [None, None] and row[3].value == 50


@pytest.mark.parametrize(
    'header, rows, wavs, message',
    [
        ('id,filename,voice', ['0,a,v'], True, "no column 'correct'"),
        (LEXICAL, ['0,a,v,1,w,w,1,1'], True, '1 correct and 0'),
        (LEXICAL, ['0,a,v,1,w,w,1,1'], False, 'a.wav is missing'),
    ],
)
def test_a_wrong_folder_is_named(tmp_path, header, rows, wavs, message):
  write(tmp_path, 'lexical', header, *rows, wavs=wavs)
  with pytest.raises(UserError, match=message):
    minimal_pairs.read(tmp_path)


def test_an_empty_folder_says_what_is_wanted(tmp_path):
  with pytest.raises(UserError, match='layout of ZeroSpeech'):
    minimal_pairs.read(tmp_path)
