"""Tests evaluation/subjects/speaking_probe.py and cli/probe.py."""

import numpy as np
import pytest
import tiny

from audiolm_jax import corpus
from audiolm_jax.cli import probe
from audiolm_jax.cli.actions import probe as probe_action
from audiolm_jax.corpus import AudioBatches
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.listeners import recogniser
from audiolm_jax.evaluation.sections import error_rates, semantic_ids
from audiolm_jax.evaluation.subjects import speaking_probe
from tests import runs


class Loudness:
  """Semantic tokens of 40 ms that say which of two halves of it is loud."""

  sample_rate, hop_length, codebook_size = 16000, 640, 4
  fingerprint = 'loudness'
  centroids = np.eye(4, dtype=np.float32)

  def encode(self, waveform, lengths):
    halves = waveform.reshape(len(waveform), -1, 2, 320)
    loud = np.abs(halves).mean(axis=-1) > 0.05
    return (loud @ np.array([2, 1])).astype(np.int32)


@pytest.fixture(name='manifest', scope='module')
def fixture_manifest(tmp_path_factory):
  """Noise, of which a clip is for judging and has words."""
  path = runs.write_corpus(tmp_path_factory.mktemp('corpus') / 'noise', 12)
  clips = [
      clip._replace(split='test', transcript='a b c', language='en')
      if clip.seconds > 3
      else clip
      for clip in corpus.read_manifest(path)
  ]
  corpus.write_manifest(path, clips)
  return path


@pytest.mark.slow
def test_it_speaks_in_any_length_and_counts_its_time(manifest):
  clips = corpus.read_manifest(manifest, 'train')
  batches = AudioBatches(clips, 16000, 0.64, 2, seed=0)
  trained = speaking_probe.train(Loudness(), batches, cpu_minutes=0.01)
  assert trained.steps > 0
  assert 0 < trained.seconds <= 1.28 * trained.steps + 1e-6
  assert np.isfinite(trained.loss)
  noise = list(tiny.noise(1, 1.0)) + list(tiny.noise(1, 0.333))
  spoken = speaking_probe.speak(trained, Loudness(), noise)
  assert [len(clip) for clip in spoken] == [len(clip) for clip in noise]
  assert all(np.isfinite(clip).all() for clip in spoken)


@pytest.mark.slow
def test_the_verb_says_how_many_words_come_through(
    manifest, monkeypatch, capsys, tmp_path
):
  monkeypatch.setattr(probe_action, 'load', lambda path: Loudness())
  monkeypatch.setattr(
      recogniser, 'whisper', lambda threads: lambda waveform, language: 'a b d'
  )
  monkeypatch.setattr(semantic_ids, '_CROP_SECONDS', 0.64)
  probe.FLAGS.unparse_flags()
  flags = [
      'probe',
      '--model=x',
      f'--manifest={manifest}',
      '--cpu_minutes=0.01',
      f'--output_dir={tmp_path / "out"}',
  ]
  probe.main(probe.FLAGS(flags))
  printed = capsys.readouterr().out
  assert error_rates.ORIGINAL in printed and '33.3' in printed
  assert 'spoken from semantic tokens' in printed
  assert (tmp_path / 'out' / '0.wav').exists()


def test_without_transcripts_there_is_nothing_to_recognise(manifest):
  asked = semantic_ids.Asked(1.0, 3, 'en', 0)
  with pytest.raises(UserError, match='transcript'):
    semantic_ids.choose(corpus.read_manifest(manifest, 'train'), asked)
