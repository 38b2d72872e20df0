"""Tests data/shipped/closed_set.py."""

import pytest

from audiolm_jax import corpus
from audiolm_jax.classifier import labels
from audiolm_jax.errors import UserError
from data.shipped import closed_set


def test_it_writes_what_the_classifier_learns_and_what_it_does_not(tmp_path):
  clips = [
      corpus.Clip(f'{tmp_path}/{who}/{i}.wav', 1.0, 'dev', '', '', who)
      for who in 'ab'
      for i in range(12)
  ]
  (tmp_path / 'one').mkdir()
  corpus.write_manifest(tmp_path / 'one/m.jsonl', clips)
  # The same clips by other paths.
  (tmp_path / 'two').mkdir()
  moved = [clip._replace(path=f'/elsewhere{clip.path}') for clip in clips[:3]]
  corpus.write_manifest(tmp_path / 'two/m.jsonl', moved)
  closed_set.main(['', f'{tmp_path}/*/m.jsonl', f'{tmp_path}/split.jsonl'])
  for split, held_out in (('train', False), ('test', True)):
    found = corpus.read_manifest(tmp_path / 'split.jsonl', split)
    expected = labels.closed_set(clips, held_out)
    assert [clip.path for clip in found] == [clip.path for clip in expected]


def test_two_manifests_are_asked_for():
  with pytest.raises(UserError, match='one to write'):
    closed_set.main([''])
