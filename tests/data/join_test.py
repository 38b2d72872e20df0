"""Tests of what joins short recordings into long ones."""

import itertools

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audiolm_jax import audio
from audiolm_jax.adapters import join
from audiolm_jax.adapters.readers.join import Part, parts, shorten, speakers
from audiolm_jax.corpus import Clip, read_manifest, write_manifest
from audiolm_jax.errors import UserError

RATE = 16000


def run(*arguments):
  join.FLAGS.unparse_flags()
  return join.main(join.FLAGS(['join', *map(str, arguments)]))


def tone(seconds, hertz=220.0):
  times = np.arange(round(seconds * RATE)) / RATE
  return (0.3 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def silence(seconds):
  return np.zeros(round(seconds * RATE), np.float32)


def clip(path, samples, **fields):
  soundfile.write(path, samples, RATE)
  fields = dict(split='train', source='here', licence='CC0') | fields
  return Clip(path=str(path), seconds=len(samples) / RATE, **fields)


def clips(tmp_path, number, **fields):
  samples = np.concatenate([silence(0.5), tone(1.0), silence(2.0)])
  return [
      clip(tmp_path / f'{fields["speaker"]}{n}.wav', samples, **fields)
      for n in range(number)
  ]


def longest_silence(samples):
  heard = np.flatnonzero(np.abs(samples) > 1e-3)
  return np.diff(heard, prepend=0, append=len(samples)).max() / RATE


def test_what_is_joined_is_long_and_never_silent_for_long(tmp_path):
  write_manifest(
      tmp_path / 'clips.jsonl',
      clips(tmp_path, 9, speaker='ann', transcript='Yes.'),
  )
  out = tmp_path / 'long.jsonl'
  assert run(tmp_path / 'clips.jsonl', out, '--seconds=5') == 0
  made = read_manifest(out)
  assert [one.seconds > 5 for one in made] == [True, True]
  assert sum(one.transcript.count('Yes.') for one in made) == 9
  for one in made:
    samples = audio.read(one.path, RATE)
    assert one.seconds == pytest.approx(len(samples) / RATE)
    assert longest_silence(samples) < 0.44
    assert one.speaker == 'ann'


def test_each_speed_is_a_speaker_of_its_own_with_another_pitch(tmp_path):
  held_out = clips(tmp_path, 1, speaker='eve', split='test')
  write_manifest(
      tmp_path / 'clips.jsonl', clips(tmp_path, 2, speaker='ann') + held_out
  )
  out = tmp_path / 'long.jsonl'
  run(tmp_path / 'clips.jsonl', out, '--speeds=1,1.25,0.8')
  pitches = {}
  for one in read_manifest(out):
    samples = audio.read(one.path, RATE)
    spectrum = np.abs(np.fft.rfft(samples))
    pitches[one.speaker] = spectrum.argmax() * RATE / len(samples)
  assert pitches == pytest.approx(
      {'ann': 220, 'ann@1.25': 275, 'ann@0.8': 176, 'eve': 220}, abs=1
  )


def fields_of(letters):
  return st.sampled_from([*letters, None])


@given(
    st.lists(
        st.tuples(
            st.sampled_from(['train', 'dev']),
            st.sampled_from(['CC0', 'CC-BY']),
            fields_of('ab'),
            fields_of(['en', 'it']),
        ),
        max_size=30,
    )
)
def test_every_clip_stands_among_its_like_once(who):
  given_clips = [
      Clip(str(n), 3.0, split, 'here', licence, speaker, language=language)
      for n, (split, licence, speaker, language) in enumerate(who)
  ]
  groups = speakers(given_clips)
  assert sorted(itertools.chain(*groups)) == sorted(given_clips)
  for group in groups:
    assert len({one._replace(path='') for one in group}) == 1
    assert group[0].speaker is not None or len(group) == 1


@given(st.lists(st.integers(1, 5 * RATE), max_size=30), st.floats(0, 9))
def test_no_part_but_a_speakers_only_one_is_short(lengths, seconds):
  one = Clip('a', 1.0, 'train', 'here', 'CC0')
  played = [Part((one,), (np.zeros(n, np.float32),)) for n in lengths]
  made = list(parts(played, seconds))
  assert [len(p) for part in made for p in part.pieces] == lengths
  assert len(made) < 2 or min(part.seconds for part in made) >= seconds


@given(st.lists(st.floats(0.02, 1.5), min_size=1, max_size=6))
def test_what_is_heard_survives_and_pauses_do_not(pauses):
  pieces = [silence(pauses[0])]
  for pause in pauses[1:]:
    pieces += [tone(0.5), silence(pause)]
  left = shorten(np.concatenate(pieces), 0.3)
  heard = np.count_nonzero(np.abs(left) > 1e-3) / RATE
  # A tone crosses zero now and then, and each cut fades 5 ms.
  assert heard == pytest.approx(0.5 * (len(pauses) - 1), abs=0.02 * len(pauses))
  if len(left):
    assert longest_silence(left) < 0.34


def test_quiet_consonants_are_no_pause():
  speech = audio.read('data/prompts/speech_italian.flac', RATE)
  assert len(shorten(speech, 0.4)) > len(speech) - 0.5 * RATE


def test_silent_and_damaged_clips_are_left_out_and_said(tmp_path):
  silent = clip(tmp_path / 'silent.wav', silence(1.0), speaker='bob')
  damaged = clip(tmp_path / 'damaged.wav', tone(1.0), speaker='cat')
  (tmp_path / 'damaged.wav').write_bytes(b'RIFFraff')
  good = clips(tmp_path, 2, speaker='ann')
  write_manifest(tmp_path / 'clips.jsonl', [silent, damaged, *good])
  assert run(tmp_path / 'clips.jsonl', tmp_path / 'long.jsonl') == 1
  assert [c.speaker for c in read_manifest(tmp_path / 'long.jsonl')] == ['ann']


@pytest.mark.parametrize('speed', ['fast', '0', 'nan', '3'])
def test_a_speed_that_is_none_is_one_line(tmp_path, speed):
  write_manifest(tmp_path / 'clips.jsonl', clips(tmp_path, 1, speaker='ann'))
  with pytest.raises(UserError, match='is no speed'):
    run(tmp_path / 'clips.jsonl', tmp_path / 'o.jsonl', f'--speeds={speed}')


@pytest.mark.parametrize('source', ['clips.jsonl', '*.jsonl'])
def test_a_manifest_is_not_written_over_itself(tmp_path, source):
  write_manifest(tmp_path / 'clips.jsonl', clips(tmp_path, 1, speaker='ann'))
  with pytest.raises(UserError, match='name another'):
    run(tmp_path / source, tmp_path / 'clips.jsonl')


def test_a_manifest_that_is_missing_is_one_line(tmp_path):
  write_manifest(tmp_path / 'out.jsonl', clips(tmp_path, 1, speaker='ann'))
  with pytest.raises(UserError, match='Cannot read the manifest'):
    run(tmp_path / 'none.jsonl', tmp_path / 'out.jsonl')
