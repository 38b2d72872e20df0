"""Tests launch/detector_report.py."""

import json

import pytest
import tiny

from audiolm_jax import corpus
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.classifier import distortions
from audiolm_jax.errors import UserError
from launch import detector_report
from tests.classifier import tiny as sounds


def run(*argv):
  detector_report.FLAGS.unparse_flags()
  argv = ['detector_report', *map(str, argv)]
  detector_report.main(detector_report.FLAGS(argv))


def test_the_report_is_of_the_test_split_and_has_a_curve(tmp_path, monkeypatch):
  some = {'6 dB louder': distortions.EVALUATED['6 dB louder']}
  monkeypatch.setattr(distortions, 'EVALUATED', some)
  Bundle({'classifier': tiny.classifier()}).save(tmp_path / 'model', '')
  ways = {'original': 'codec/x', 'generated': 'parallel/x'}
  clips = [
      clip._replace(split='test', source=ways[clip.origin])
      for clip in sounds.clips(tmp_path, speaker='a')
  ]
  clips.append(clips[0]._replace(split='train'))
  clips.append(clips[0]._replace(split='test', source='game', origin='other'))
  corpus.write_manifest(tmp_path / 'clips.jsonl', clips)
  run(
      tmp_path / 'report',
      f'--model={tmp_path}/model',
      f'--manifest={tmp_path}/clips.jsonl',
  )
  found = json.loads((tmp_path / 'report/report.json').read_text())
  assert found['roc'].keys() == {'all continuations', '6 dB louder'}
  assert found['roc']['6 dB louder'][0][-1] == 1
  (num_judged,) = {row[1] for row in found['rows'] if row[0] in found['roc']}
  refusals = {name: int(number) for name, number, _ in found['refusals']}
  assert refusals.pop('game') == 1
  assert sum(refusals.values()) == int(num_judged)
  assert '| all continuations |' in (tmp_path / 'report/report.md').read_text()


def test_what_is_missing_is_asked_for(tmp_path):
  with pytest.raises(UserError, match='--manifest'):
    run(tmp_path)
