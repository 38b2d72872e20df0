"""Tests audiolm_jax/corpus.py."""

import json
import os
import pathlib

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax import audio, corpus
from audiolm_jax.errors import UserError

RATE = 1000


def clip(path, seconds, split='train', **fields):
  return corpus.Clip(str(path), seconds, split, 'test', 'CC0-1.0', **fields)


@pytest.fixture
def clips(tmp_path):
  """Three clips whose samples say who they are: constant 0.1, 0.2 and 0.3."""
  result = []
  for index, seconds in enumerate([0.5, 2.0, 4.0]):
    path = tmp_path / f'{index}.wav'
    level = 0.1 * (index + 1)
    audio.write(path, np.full(round(seconds * RATE), level), RATE)
    result.append(clip(path, seconds))
  return result


def batches(clips, **fields):
  settings = dict(sample_rate=RATE, crop_seconds=1.0, batch_size=4, seed=7)
  return corpus.AudioBatches(clips, **(settings | fields))


def assert_equal_batches(left, right):
  assert left.keys() == right.keys()
  for name in left:
    np.testing.assert_array_equal(left[name], right[name])


def test_a_manifest_survives_the_disk_and_a_move(tmp_path):
  old, new = tmp_path / 'old', tmp_path / 'new'
  old.mkdir()
  written = [
      clip(old / 'a.wav', 1.5, speaker='x', labels=str(old / 'a.tsv')),
      clip(old / 'deep/b.wav', 2.0, split='test', transcript='né'),
  ]
  corpus.write_manifest(old / 'm.jsonl', written)
  assert corpus.read_manifest(old / 'm.jsonl') == written
  old.rename(new)
  moved = corpus.read_manifest(new / 'm.jsonl', split='train')
  assert moved == [
      written[0]._replace(path=str(new / 'a.wav'), labels=str(new / 'a.tsv'))
  ]


@pytest.mark.parametrize('line', ['{', '[]', '{"path": "a"}', '{"nope": 1}'])
def test_a_bad_line_is_named(tmp_path, line):
  path = tmp_path / 'm.jsonl'
  good = json.dumps(clip('a.wav', 1.0)._asdict())
  path.write_text(f'{good}\n{line}\n')
  with pytest.raises(UserError, match='line 2'):
    corpus.read_manifest(path)


def test_an_unknown_split_lists_the_known_ones(tmp_path):
  corpus.write_manifest(tmp_path / 'm.jsonl', [clip(tmp_path / 'a.wav', 1.0)])
  with pytest.raises(UserError, match="'train'"):
    corpus.read_manifest(tmp_path / 'm.jsonl', split='tset')


def test_a_restored_iterator_continues_bit_for_bit(clips):
  straight = batches(clips)
  expected = [next(straight) for _ in range(6)]
  stopped = batches(clips)
  for _ in range(3):
    next(stopped)
  resumed = batches(clips)
  next(resumed)  # What was read ahead must be forgotten.
  resumed.set_state(json.loads(json.dumps(stopped.get_state())))
  for batch in expected[3:]:
    assert_equal_batches(next(resumed), batch)


def test_batches_differ_from_step_to_step_and_seed_to_seed(clips):
  first, second = batches(clips), batches(clips, seed=8)
  waveforms = [
      next(first)['waveform'],
      next(first)['waveform'],
      next(second)['waveform'],
  ]
  assert not np.array_equal(waveforms[0], waveforms[1])
  assert not np.array_equal(waveforms[0], waveforms[2])


@pytest.mark.parametrize('num_shards', [2, 4])
def test_shards_side_by_side_are_the_whole_batch(clips, num_shards):
  whole = batches(clips)
  shards = [
      batches(clips, shard_index=index, num_shards=num_shards)
      for index in range(num_shards)
  ]
  for _ in range(2):
    parts = [next(shard) for shard in shards]
    joined = {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
    }
    assert_equal_batches(joined, next(whole))


def test_a_batch_that_cannot_be_shared_is_refused(clips):
  with pytest.raises(UserError, match='3 hosts'):
    batches(clips, num_shards=3)


def test_clips_come_in_proportion_to_their_seconds(clips):
  batch = next(batches(clips, batch_size=2000))
  levels = np.round(batch['waveform'][:, 0] * 10)
  shares = [np.mean(levels == level) for level in (1, 2, 3)]
  np.testing.assert_allclose(shares, np.array([0.5, 2, 4]) / 6.5, atol=0.05)


def test_short_clips_are_followed_by_silence_and_say_their_length(clips):
  batch = next(batches(clips, batch_size=64))
  assert set(batch['length']) == {500, 1000}
  for row, length in zip(batch['waveform'], batch['length'], strict=True):
    assert (row[:length] != 0).all()
    assert (row[length:] == 0).all()


def test_a_glob_of_manifests_is_one_corpus(tmp_path):
  for name in 'ab':
    folder = tmp_path / name
    folder.mkdir()
    path = folder / 'manifest.jsonl'
    corpus.write_manifest(path, [clip(folder / f'{name}.wav', 1.0)])
  together = corpus.read_manifest(tmp_path / '*' / 'manifest.jsonl')
  assert [pathlib.Path(c.path).name for c in together] == ['a.wav', 'b.wav']


def test_a_damaged_clip_gives_way_to_the_same_other_in_every_run(
    tmp_path, caplog
):
  found = []
  for i in range(4):
    path = tmp_path / f'{i}.flac'
    soundfile.write(path, np.full(16000, 0.1 * (i + 1)), 16000)
    found.append(clip(path, 1.0))
  whole = (tmp_path / '2.flac').read_bytes()
  (tmp_path / '2.flac').write_bytes(whole[: len(whole) // 2])

  def levels():
    batches = corpus.AudioBatches(found, 16000, 0.5, 8, seed=0)
    return [next(batches)['waveform'].max(axis=1) for _ in range(4)]

  first = np.stack(levels())
  assert set(np.round(first.ravel() * 10)) == {1, 2, 4}
  assert '2.flac' in caplog.text
  np.testing.assert_array_equal(first, np.stack(levels()))


def test_a_corpus_of_damaged_clips_is_refused(tmp_path):
  (tmp_path / 'a.wav').write_text('not audio')
  clips = [clip(tmp_path / 'a.wav', 1.0)]
  with pytest.raises(UserError, match='a.wav is not audio'):
    next(corpus.AudioBatches(clips, 16000, 0.5, 2, seed=0))


def lines_of(clips) -> str:
  return ''.join(json.dumps(each._asdict()) + '\n' for each in clips)


@given(
    name=st.text(
        st.characters(exclude_characters='/\0', exclude_categories=['Cs']),
        min_size=1,
        max_size=40,
    ).filter(lambda name: name not in ('.', '..')),
    raw=st.binary(max_size=3),
    transcript=st.text(),
)
@settings(max_examples=200, deadline=None)
def test_a_manifest_reads_what_it_wrote(
    tmp_path_factory, name, raw, transcript
):
  folder = tmp_path_factory.getbasetemp()
  raw = raw.replace(b'/', b'').replace(b'\0', b'')
  path = folder / (name + os.fsdecode(raw))
  written = [clip(path, 1.0, transcript=transcript), clip(path, 2.0)]
  corpus.write_manifest(folder / 'odd.jsonl', written)
  assert corpus.read_manifest(folder / 'odd.jsonl') == written


@pytest.mark.parametrize(
    'encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-32', 'utf-16-le-bom']
)
@pytest.mark.parametrize('end', ['\n', '\r\n'])
def test_manifests_of_other_editors_are_read(tmp_path, encoding, end):
  said = clip('né.wav', 1.0, transcript='a\u2028b\x85c')
  line = json.dumps(said._asdict(), ensure_ascii=False) + end
  mark = ''
  if encoding.endswith('-bom'):
    encoding, mark = encoding.removesuffix('-bom'), '\ufeff'
  (tmp_path / 'm.jsonl').write_bytes((mark + 2 * line).encode(encoding))
  found = corpus.read_manifest(tmp_path / 'm.jsonl')
  assert found == 2 * [said._replace(path=str(tmp_path / 'né.wav'))]


@pytest.mark.parametrize(
    'seconds',
    ['NaN', 'Infinity', '-Infinity', '-1', '0', '-0.0', '1e999', '"nan"']
    + ['9' * 400, 'null', '[]', '{"a": 1}', '"x"', '[' * 10**5],
)
def test_a_clip_lasts_some_seconds_or_is_refused_by_line(tmp_path, seconds):
  good = lines_of([clip('a.wav', 1.0)])
  bad = good.replace('1.0', seconds)
  (tmp_path / 'm.jsonl').write_text(good + bad)
  with pytest.raises(UserError, match='m.jsonl, line 2 is not a clip') as error:
    corpus.read_manifest(tmp_path / 'm.jsonl')
  assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    'change',
    [
        {'speakr': 'Anna'},
        {'path': 7},
        {'split': None},
        {'transcript': ['a']},
        {'speaker': 1.5},
        {'labels': {}},
    ],
)
def test_a_name_or_type_that_no_clip_has_is_refused_by_line(tmp_path, change):
  good = lines_of([clip('a.wav', 1.0)])
  bad = json.dumps(json.loads(good) | change)
  (tmp_path / 'm.jsonl').write_text(good + bad)
  with pytest.raises(UserError, match='m.jsonl, line 2 is not a clip') as error:
    corpus.read_manifest(tmp_path / 'm.jsonl')
  assert next(iter(change)) in str(error.value)
  assert '\n' not in str(error.value)


def test_numbers_may_name_speakers(tmp_path):
  line = json.loads(lines_of([clip('a.wav', 1.0)])) | {'speaker': 103}
  (tmp_path / 'm.jsonl').write_text(json.dumps(line))
  assert corpus.read_manifest(tmp_path / 'm.jsonl')[0].speaker == '103'


def test_a_manifest_that_is_no_text_is_named(tmp_path):
  for content in (b'\xff\xfe\x00', b'\x80\x81', 'né'.encode('latin-1')):
    (tmp_path / 'm.jsonl').write_bytes(content)
    with pytest.raises(UserError, match='Cannot read the manifest .*m.jsonl'):
      corpus.read_manifest(tmp_path / 'm.jsonl')


def test_a_manifest_that_exists_is_no_glob(tmp_path):
  for name in ('m[1].jsonl', 'm1.jsonl'):
    path = tmp_path / name
    corpus.write_manifest(path, [clip(tmp_path / f'{name}.wav', 1.0)])
  (found,) = corpus.read_manifest(tmp_path / 'm[1].jsonl')
  assert found.path.endswith('m[1].jsonl.wav')


def test_a_missing_split_names_the_flags_that_mend_it(tmp_path):
  corpus.write_manifest(tmp_path / 'm.jsonl', [clip(tmp_path / 'a.wav', 1.0)])
  with pytest.raises(UserError, match='--split.*--hold_out_every'):
    corpus.read_manifest(tmp_path / 'm.jsonl', 'dev')


def test_an_empty_manifest_is_named(tmp_path):
  (tmp_path / 'm.jsonl').write_text('\n\n')
  with pytest.raises(UserError, match='m.jsonl lists no clip'):
    corpus.read_manifest(tmp_path / 'm.jsonl', 'dev')
