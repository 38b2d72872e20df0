"""Tests audiolm_jax/classifier/clips.py."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.audio import Sound
from audiolm_jax.classifier import clips
from audiolm_jax.classifier.clips import ClipClassifier
from audiolm_jax.classifier.model import Classifier

from . import tiny

RATE = 100


class Loudness(Classifier):
  """Logits of two classes: what a window's mean sample says."""

  def __call__(self, waveform, training=False):
    mean = waveform.mean(axis=1)
    return jnp.stack([jnp.zeros_like(mean), mean], axis=-1)


CLASSIFIER = ClipClassifier(Loudness(('soft', 'loud'), sample_rate=RATE), {})


@pytest.mark.parametrize(
    'length, starts',
    [
        (1, [0]),
        (100, [0]),
        (110, [0, 10]),
        (150, [0, 25, 50]),
        (210, [0, 25, 50, 75, 100, 110]),
    ],
)
def test_windows_overlap_and_the_last_one_ends_with_the_clip(length, starts):
  assert clips.window_starts(length, 100, 25).tolist() == starts


def test_the_verdict_is_the_mean_of_log_probabilities_over_windows():
  waveform = np.concatenate([np.full(100, 4.0), np.full(100, -2.0)])
  verdict = CLASSIFIER.classify(Sound(waveform.astype(np.float32), RATE))
  logits = np.array([4.0, 2.5, 1.0, -0.5, -2.0])
  loud, soft = -np.logaddexp(0, -logits), -np.logaddexp(0, logits)
  expected = 1 / (1 + np.exp(soft.mean() - loud.mean()))
  assert verdict.probability('loud') == pytest.approx(expected, rel=1e-5)
  assert verdict.label == 'loud'
  assert verdict.probabilities.sum() == pytest.approx(1)


def test_the_track_has_a_row_for_each_second_begun():
  waveform = np.concatenate([np.full(300, 5.0), np.full(220, -5.0)])
  track = CLASSIFIER.classify(Sound(waveform.astype(np.float32), RATE)).track[
      :, 1
  ]
  assert len(track) == 6
  assert all(track[:3] > 0.8) and all(track[3:] < 0.2)
  # Windows from 1.5 to 2.5 s on, of mean 5, 5, 5, 2.5 and 0.
  assert track[2] == pytest.approx(1 / (1 + np.exp(-3.5)), rel=1e-5)


@pytest.mark.parametrize('length', [1, 49, 99, 101, 130, 175, 199])
def test_clips_of_any_length_have_a_track(length):
  verdict = CLASSIFIER.classify(Sound(np.ones(length, np.float32), RATE))
  assert verdict.track.shape == (-(-length // RATE), 2)
  assert np.isfinite(verdict.track).all()


def test_a_long_clip_is_asked_in_batches_and_says_the_same():
  short = np.random.default_rng(0).normal(size=700).astype(np.float32)
  long = np.tile(short, 5)
  rows = CLASSIFIER.classify(Sound(long, RATE)).track
  alone = CLASSIFIER.classify(Sound(short, RATE)).track
  np.testing.assert_allclose(rows[1:6], alone[1:6], rtol=1e-5)


def test_it_takes_a_real_model():
  waveform = jnp.zeros((1, tiny.RATE))
  variables = jax.jit(tiny.MODEL.init)(jax.random.key(0), waveform)
  classifier = ClipClassifier(tiny.MODEL, variables)
  verdict = classifier.classify(Sound(tiny.tone(300, 2.5), tiny.RATE))
  assert verdict.labels == tiny.LABELS and verdict.track.shape == (3, 2)
