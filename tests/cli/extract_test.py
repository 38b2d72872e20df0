"""Tests audiolm_jax/cli/extract.py."""

import os

import pytest
import runs
import tiny

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import extract
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.store import store
from tests.sound import sounds


@pytest.fixture
def run(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  runs.write_corpus(tmp_path / 'corpus')
  parts = {
      'acoustic_tokenizer': tiny.soundstream(),
      'semantic_tokenizer': tiny.w2v_bert(),
  }
  Bundle(parts).save(tmp_path / 'tokenizers', '')

  def run(*flags):
    argv = ['extract', '--model=tokenizers', '--output_dir=tokens', *flags]
    extract.FLAGS.unparse_flags()
    return extract.main(extract.FLAGS(argv))

  return run


def test_a_manifest_becomes_a_store_of_its_splits(run):
  assert run('--input=corpus/manifest.jsonl', '--num_shards=1') == 0
  metadata = store.read_metadata('tokens')
  assert metadata.sizes == tiny.SIZES
  assert {name: s['clips'] for name, s in metadata.splits.items()} == {
      'dev': 1,
      'train': 3,
  }


def test_files_are_clips_and_bad_ones_are_reported(run, tmp_path, capsys):
  (tmp_path / 'corpus/bad.wav').write_text('not audio')
  assert run('--input=corpus/*.wav', '--num_shards=1') == 1
  assert 'bad.wav' in capsys.readouterr().err
  splits = store.read_metadata('tokens').splits
  assert {name: split['clips'] for name, split in splits.items()} == {
      'dev': 1,
      'train': 3,
  }


def test_one_split_can_be_asked_for(run):
  assert run('--input=corpus/*.wav', '--split=test') == 0
  assert set(store.read_metadata('tokens').splits) == {'test'}


def test_a_folder_that_cannot_be_made_is_one_line(run, tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(UserError, match='Cannot write to .*file/tokens'):
    run('--input=corpus/*.wav', f'--output_dir={tmp_path}/file/tokens')


@pytest.mark.parametrize(
    'flags,message',
    [
        ((), '--input'),
        (('--input=nothing*.wav',), 'nothing'),
        (('--input=nothing.jsonl',), 'nothing'),
        (('--input=corpus/*.wav', '--model=nowhere'), 'nowhere'),
    ],
)
def test_a_mistake_is_named_in_one_line(run, flags, message):
  with pytest.raises(UserError, match=message) as error:
    run(*flags)
  assert '\n' not in str(error.value)


def test_files_that_trust_no_name_and_no_header_lose_no_others(
    run, tmp_path, capsys
):
  whole = (tmp_path / 'corpus/3.wav').read_bytes()
  folder = tmp_path / 'corpus/album [FLAC]'
  folder.mkdir()
  flac = bytearray(sounds.encoded('FLAC', 'PCM_16', sounds.chirp(0.6)))
  flac[21] &= 0xF0
  flac[22:26] = bytes(4)  # An unknown length.
  (folder / 'a\u2028b.flac').write_bytes(flac)
  (folder / os.fsdecode(b'\xff.flac')).write_bytes(flac)
  (folder / 'killed.wav').write_bytes(whole[:40] + bytes(4) + whole[44:])
  (folder / 'bad.flac').write_bytes(flac[:50])
  assert run('--input=corpus/album [FLAC]/*', '--num_shards=1') == 1
  err = capsys.readouterr().err
  assert 'bad.flac' in err and len(err.splitlines()) == 1
  found = store.read_metadata('tokens').splits
  assert sum(split['clips'] for split in found.values()) == 3


def test_one_file_of_an_odd_name_is_itself(run, tmp_path):
  (tmp_path / 'corpus/2.wav').rename(tmp_path / 'corpus/[0].wav')
  assert run('--input=corpus/[0].wav', '--split=test') == 0
  (clips,) = store.read_metadata('tokens').splits.values()
  assert clips['seconds'] == 1.0
