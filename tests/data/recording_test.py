"""Tests data/adapters/recording.py."""

import numpy as np

from audiolm_jax import audio
from audiolm_jax.adapters import recording
from audiolm_jax.corpus import Clip, read_manifest


def test_flac_comes_back(tmp_path):
  waveform = np.sin(np.arange(8000) / 20) * 0.5
  seconds = recording.write_flac(tmp_path / 'a/b.flac', waveform)
  back = audio.read(tmp_path / 'a/b.flac', recording.SAMPLE_RATE)
  assert seconds == 0.5
  np.testing.assert_allclose(back, waveform, atol=2**-15)


def test_loud_sound_is_scaled_and_not_clipped(tmp_path):
  waveform = 3.0 * np.sin(np.arange(8000) / 20)
  recording.write_flac(tmp_path / 'a.flac', waveform)
  back = audio.read(tmp_path / 'a.flac', recording.SAMPLE_RATE)
  np.testing.assert_allclose(back, waveform * 0.33, atol=1e-3)


def test_manifest_survives_a_move_of_its_folder(tmp_path):
  path = tmp_path / 'old/x/a.flac'
  seconds = recording.write_flac(path, np.ones(1600) * 0.1)
  labels = path.with_suffix('.tsv')
  recording.write_labels(labels, [(0.0, 0.1, 'pau'), (0.1, 0.25, 60)])
  clip = Clip(
      path=str(path),
      seconds=seconds,
      split='train',
      source='test',
      licence='CC0-1.0',
      transcript='добрый день',
      labels=str(labels),
  )
  recording.finish(tmp_path / 'old/manifest.jsonl', [clip])
  (tmp_path / 'old').rename(tmp_path / 'new')
  (back,) = read_manifest(tmp_path / 'new/manifest.jsonl')
  assert back.path == str(tmp_path / 'new/x/a.flac')
  assert back.transcript == 'добрый день'
  assert open(back.labels).read() == (
      '0.0000\t0.1000\tpau\n0.1000\t0.2500\t60\n'
  )


def test_nothing_is_held_out_if_not_wanted():
  assert {recording.split_of(str(n), 0) for n in range(99)} == {'train'}


def test_held_out_share_is_what_was_asked():
  splits = [recording.split_of(f'speaker {n}', 20) for n in range(4000)]
  for split in ('dev', 'test'):
    assert 0.04 < splits.count(split) / 4000 < 0.06
