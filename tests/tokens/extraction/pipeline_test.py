"""Tests audiolm_jax/tokens/extraction: pipeline, shards and transforms."""

import dataclasses
import errno
import itertools
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from audiolm_jax import audio, corpus, progress
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.extraction import pipeline
from audiolm_jax.tokens.extraction import shards as extraction_shards
from audiolm_jax.tokens.store import store, tfrecord
from audiolm_jax.tokens.tokenizers.contract import Tokenizers
from tests.tokens import fake

ROOT = pathlib.Path(__file__).parents[3]
BEAM = ('--runner=FnApiRunner',)


@pytest.fixture(scope='module')
def clips(tmp_path_factory):
  return fake.write_clips(tmp_path_factory.mktemp('clips'), num_clips=22)


def records(folder) -> dict[str, store.Record]:
  """All clips by id, each once."""
  splits = store.read_metadata(str(folder)).splits
  found = [r for split in splits for r in store.read(str(folder), split)]
  by_id = {record.id: record for record in found}
  assert len(by_id) == len(found)
  return by_id


def assert_same(ones, others):
  assert ones.keys() == others.keys()
  for name, one in ones.items():
    for mine, theirs in zip(one, others[name], strict=True):
      np.testing.assert_array_equal(mine, theirs)


def extract(clips, folder, **settings):
  settings = {'num_shards': 3, 'batch_size': 4} | settings
  return pipeline.extract(clips, fake.tokenizers, str(folder), **settings)


def test_every_clip_is_stored_with_its_own_tokens(clips, tmp_path):
  report = extract(clips, tmp_path)
  assert report.num_clips == len(clips) and not report.failures
  assert report.seconds == pytest.approx(sum(clip.seconds for clip in clips))
  stored = records(tmp_path)
  for clip in clips:
    path = pathlib.Path(clip.path)
    record = stored[f'{path.parent.name}/{path.name}']
    waveform = audio.read(clip.path, fake.SAMPLE_RATE)
    expected = fake.tokenizers().encode([waveform])[0]
    np.testing.assert_array_equal(record.semantic, expected.semantic)
    np.testing.assert_array_equal(record.acoustic, expected.acoustic)
    assert (record.split, record.speaker) == (clip.split, clip.speaker)
    assert record.seconds == pytest.approx(clip.seconds)


def test_the_store_says_who_wrote_it(clips, tmp_path):
  extract(clips, tmp_path)
  metadata = store.read_metadata(str(tmp_path))
  assert metadata.fingerprints == {
      'semantic': 'semantic0000',
      'acoustic': 'acoustic0000',
  }
  assert metadata.sizes == fake.tokenizers().sizes
  assert {k: v['clips'] for k, v in metadata.splits.items()} == {
      'dev': 6,
      'train': 16,
  }


def test_shards_and_batches_change_no_token(clips, tmp_path):
  extract(clips, tmp_path / 'a', num_shards=1, batch_size=32)
  extract(clips, tmp_path / 'b', num_shards=5, batch_size=1)
  assert_same(records(tmp_path / 'a'), records(tmp_path / 'b'))


def test_bad_files_are_reported_and_the_rest_is_stored(clips, tmp_path):
  bad = []
  for name, content in [('text.wav', b'not audio'), ('empty.wav', b'')]:
    (tmp_path / name).write_bytes(content)
    bad.append(clips[0]._replace(path=str(tmp_path / name)))
  bad.append(clips[0]._replace(path=str(tmp_path / 'missing.wav')))
  report = extract([*clips, *bad], tmp_path / 'tokens')
  assert report.num_clips == len(clips) == len(records(tmp_path / 'tokens'))
  assert {path for path, _ in report.failures} == {clip.path for clip in bad}
  assert all(reason for _, reason in report.failures)


def test_a_file_that_was_mended_is_stored_by_the_next_run(clips, tmp_path):
  path = pathlib.Path(clips[0].path)
  whole = path.read_bytes()
  path.write_text('not audio')
  assert extract(clips, tmp_path / 'tokens').num_clips == len(clips) - 1
  path.write_bytes(whole)
  report = extract(clips, tmp_path / 'tokens')
  assert not report.failures
  assert len(records(tmp_path / 'tokens')) == len(clips)


def test_a_finished_store_is_left_alone(clips, tmp_path):
  first = extract(clips, tmp_path)
  before = {path: path.stat().st_mtime_ns for path in tmp_path.glob('*tf*')}
  assert extract(clips, tmp_path) == first
  after = {path: path.stat().st_mtime_ns for path in tmp_path.glob('*tf*')}
  assert after == before


def test_only_missing_shards_are_made(clips, tmp_path):
  extract(clips, tmp_path)
  whole = records(tmp_path)
  shards = sorted(tmp_path.glob('*.tfrecord'))
  shards[2].unlink()
  (tmp_path / store.METADATA).unlink()
  (tmp_path / f'{shards[2].name}.tmp-0123').write_bytes(b'half a shard')
  before = {path: path.stat().st_mtime_ns for path in shards if path.exists()}
  extract(clips, tmp_path)
  assert {path: path.stat().st_mtime_ns for path in before} == before
  assert_same(records(tmp_path), whole)
  assert not list(tmp_path.glob('*.tmp-*'))


def kill_at_random(command, folder, dice):
  """Lets a run write a shard, or none, and kills it wherever it is."""
  process = subprocess.Popen(
      command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
  )
  before = len(list(folder.glob('*.tfrecord')))
  wanted = before + dice.choice([0, 1])
  # Long before this it imports, and reads what is there.
  time.sleep(dice.uniform(0, 8) if wanted == before else 0)
  while len(list(folder.glob('*.tfrecord'))) < wanted:
    if process.poll() is not None:
      break
    time.sleep(0.01)
  time.sleep(dice.uniform(0, 0.1))
  process.kill()
  process.wait()


@pytest.mark.slow
def test_killed_ten_times_equals_unbroken_byte_for_byte(clips, tmp_path):
  manifest, broken = tmp_path / 'manifest.jsonl', tmp_path / 'broken'
  corpus.write_manifest(manifest, clips)
  command = [sys.executable, '-m', 'tests.tokens.fake', manifest, broken]
  dice = random.Random(time.time_ns())
  for _ in range(10):
    kill_at_random(command, broken, dice)
  settings = {'num_shards': 12, 'batch_size': 2}
  extract(clips, broken, **settings)
  extract(clips, tmp_path / 'unbroken', **settings)
  assert_same(records(broken), records(tmp_path / 'unbroken'))
  assert contents(broken) == contents(tmp_path / 'unbroken')


def contents(folder):
  return {path.name: path.read_bytes() for path in folder.iterdir()}


def _vanish(folder):
  shutil.rmtree(folder)


def _fill(folder):
  raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), f'{folder}/x.tmp-0')


@pytest.mark.parametrize('options', [(), BEAM], ids=['alone', 'beam'])
@pytest.mark.parametrize(
    'happens, said',
    [
        (_vanish, 'No such file or directory'),
        (_fill, 'No space left on device'),
    ],
)
def test_a_folder_that_vanishes_or_fills_is_one_line(
    clips, tmp_path, monkeypatch, happens, said, options
):
  folder, write = tmp_path / 'tokens', tfrecord.write
  opened = itertools.count()

  def failing(path, records):
    if next(opened) == 2:
      happens(folder)
    return write(path, records)

  monkeypatch.setattr(tfrecord, 'write', failing)
  with pytest.raises(UserError, match=said) as error:
    extract(clips, folder, beam_options=options)
  assert '\n' not in str(error.value) and str(folder) in str(error.value)
  assert 'while running' not in str(error.value)
  monkeypatch.undo()
  extract(clips, folder)
  extract(clips, tmp_path / 'whole')
  assert contents(folder) == contents(tmp_path / 'whole')


def test_other_tokenizers_are_refused_with_both_names(clips, tmp_path):
  extract(clips, tmp_path)
  other = dataclasses.replace(fake.FakeAcoustic(), fingerprint='acoustic1111')

  def make():
    return Tokenizers(fake.FakeSemantic(), other)

  with pytest.raises(UserError, match='acoustic0000.*acoustic1111'):
    pipeline.extract(clips, make, str(tmp_path), num_shards=3)


def test_another_corpus_is_refused(clips, tmp_path):
  extract(clips, tmp_path)
  with pytest.raises(UserError, match='other clips'):
    extract(clips[1:], tmp_path)


def test_no_readable_clip_is_an_error(clips, tmp_path):
  lost = clips[0]._replace(path=str(tmp_path / 'missing.wav'))
  with pytest.raises(UserError, match='No clip could be read.*missing.wav'):
    extract([lost], tmp_path / 'tokens')
  assert not (tmp_path / 'tokens' / store.METADATA).exists()


def test_a_clip_named_twice_is_refused(clips, tmp_path):
  with pytest.raises(UserError, match='2 times'):
    extract([*clips, clips[3]], tmp_path)


def test_the_deal_does_not_follow_the_order_of_the_manifest(clips, tmp_path):
  shards = extraction_shards.deal(clips, str(tmp_path), 3)
  assert shards == extraction_shards.deal(clips[::-1], str(tmp_path), 3)
  assert [os.path.basename(shard.path) for shard in shards[3:]] == [
      f'train-0000{i}-of-00003.tfrecord' for i in range(3)
  ]
  sizes = [len(shard.sources) for shard in shards]
  assert sizes == [2, 2, 2, 6, 5, 5]


def test_there_are_never_more_shards_than_clips(clips, tmp_path):
  shards = extraction_shards.deal(clips[:3], str(tmp_path), 64)
  assert len(shards) == 3


def _deleted(shard):
  shard.unlink()


def _emptied(shard):
  shard.write_bytes(b'')


def _flipped(shard):
  content = bytearray(shard.read_bytes())
  content[len(content) // 2] ^= 1
  shard.write_bytes(content)


def _shortened(shard):
  shard.write_bytes(shard.read_bytes()[:-9])


@pytest.mark.parametrize('digests', [True, False])
@pytest.mark.parametrize('harm', [_deleted, _emptied, _flipped, _shortened])
def test_a_damaged_shard_is_named_and_made_again(
    clips, tmp_path, harm, digests
):
  extract(clips, tmp_path)
  if not digests:
    _forget_digests(tmp_path)
  paths = sorted(tmp_path.glob('train-*.tfrecord'))
  before = {path: path.read_bytes() for path in paths}
  harm(paths[1])
  untouched = paths[0].stat().st_mtime_ns
  with pytest.raises(UserError, match=f'{paths[1].name}.*extract again'):
    list(store.read(str(tmp_path), 'train'))
  assert extract(clips, tmp_path).num_clips == len(clips)
  assert {path: path.read_bytes() for path in paths} == before
  assert paths[0].stat().st_mtime_ns == untouched
  assert len(records(tmp_path)) == len(clips)


def _forget_digests(folder):
  """Makes a store what earlier versions wrote."""
  metadata = json.loads((folder / store.METADATA).read_text())
  del metadata['shards'], metadata['seal']
  (folder / store.METADATA).write_text(json.dumps(metadata))
  for path in folder.glob('*-of-*.json'):
    summary = json.loads(path.read_text())
    kept = {name: summary[name] for name in ('clips', 'seconds', 'failures')}
    path.write_text(json.dumps(kept))


def test_a_store_of_an_earlier_version_is_read_and_left_alone(clips, tmp_path):
  extract(clips, tmp_path)
  whole = records(tmp_path)
  _forget_digests(tmp_path)
  assert_same(records(tmp_path), whole)
  before = {path: path.stat().st_mtime_ns for path in tmp_path.glob('*tf*')}
  extract(clips, tmp_path)
  assert before == {
      path: path.stat().st_mtime_ns for path in tmp_path.glob('*tf*')
  }


def test_a_shard_none_of_whose_clips_can_be_read_is_no_damage(clips, tmp_path):
  bad = tmp_path / 'bad.wav'
  bad.write_text('not audio')
  broken = clips[0]._replace(path=str(bad), split='test')
  report = extract([*clips, broken], tmp_path / 'tokens')
  assert report.num_clips == len(clips)
  assert len(records(tmp_path / 'tokens')) == len(clips)


def test_two_extractions_write_the_same_bytes(clips, tmp_path):
  contents = []
  for folder in (tmp_path / 'a', tmp_path / 'b'):
    extract(clips, folder)
    contents.append([path.read_bytes() for path in sorted(folder.glob('*tf*'))])
  assert contents[0] == contents[1]


def test_workers_of_beam_write_the_same_store(clips, tmp_path):
  bad = clips[0]._replace(path=str(tmp_path / 'missing.wav'))
  reports = [
      extract([*clips, bad], tmp_path / name, beam_options=options)
      for name, options in (('alone', ()), ('beam', BEAM))
  ]
  assert reports[0] == reports[1] and len(reports[0].failures) == 1
  assert contents(tmp_path / 'alone') == contents(tmp_path / 'beam')


def test_one_process_needs_neither_beam_nor_tensorflow(clips, tmp_path):
  manifest = tmp_path / 'manifest.jsonl'
  corpus.write_manifest(manifest, clips)
  program = f"""
import sys
sys.modules['apache_beam'] = sys.modules['tensorflow'] = None
from audiolm_jax import corpus
from audiolm_jax.tokens.extraction import pipeline
from tests.tokens import fake
clips = corpus.read_manifest({str(manifest)!r}, None)
print(pipeline.extract(clips, fake.tokenizers, {str(tmp_path / 'out')!r}))
"""
  done = subprocess.run(
      [sys.executable, '-c', program], cwd=ROOT, capture_output=True, text=True
  )
  assert f'num_clips={len(clips)}' in done.stdout, done.stderr


def test_clips_are_counted_as_they_are_tokenized(clips, tmp_path, monkeypatch):
  seen = []
  monkeypatch.setattr(
      progress.Reporter, 'at', lambda self, done, note='': seen.append(done)
  )
  bad = clips[0]._replace(path=str(tmp_path / 'missing.wav'))
  extract([*clips, bad], tmp_path / 'tokens', batch_size=4)
  assert seen == sorted(seen) and seen[-1] == len(clips) + 1
  assert len(set(seen)) > 5


def other_voices():
  return dataclasses.replace(
      fake.tokenizers(), semantic_speeds=(0.8, 1.0, 1.25)
  )


def test_a_store_of_other_voices_is_the_same_by_whoever_makes_it(
    clips, tmp_path
):
  extract(clips, tmp_path / 'plain')
  for name, options in (('here', ()), ('beam', BEAM)):
    pipeline.extract(clips, other_voices, str(tmp_path / name), 3, 4, options)
  here, plain = records(tmp_path / 'here'), records(tmp_path / 'plain')
  assert_same(here, records(tmp_path / 'beam'))
  assert any((here[n].semantic != plain[n].semantic).any() for n in plain)
  for name, record in here.items():
    np.testing.assert_array_equal(record.acoustic, plain[name].acoustic)


def test_a_store_is_not_gone_on_with_at_other_speeds(clips, tmp_path):
  extract(clips, tmp_path)
  with pytest.raises(UserError, match='other semantic_speeds'):
    pipeline.extract(clips, other_voices, str(tmp_path), num_shards=3)
