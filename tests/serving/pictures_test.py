"""Tests audiolm_jax/serving/pictures.py and what stands in them."""

import numpy as np
import tiny

from audiolm_jax.audio import Sound
from audiolm_jax.classifier.listening import Heard
from audiolm_jax.serving import pictures, verdict

SOUND = Sound(tiny.noise(1, 3.0)[0], 16000)
LABELS = ['original', 'generated']


def middle(prompt_seconds):
  """Rows in the middle of the picture, where the spectrogram is."""
  drawn = pictures.draw(SOUND, prompt_seconds, np.full(3, np.nan))
  at = len(drawn) // 2
  return drawn[at - 20 : at + 20, :, :3].astype(int)


def test_the_border_is_drawn_where_the_prompt_ends():
  one, two = map(middle, (1.0, 2.0))
  # The spectrogram has no colours that tell prompt and continuation apart.
  changed = np.flatnonzero(np.abs(one - two).sum(axis=(0, 2)))
  between = (changed.min() + changed.max()) / 2
  apart = changed[changed > between].mean() - changed[changed < between].mean()
  # A third of the panel, which is nearly as wide as the picture.
  assert 0.25 < apart / one.shape[1] < 0.34
  assert len(changed) < 20


def test_the_verdict_says_where_and_how_sure():
  row = np.array([0.1, 0.9])
  heard = Heard(row, [None, row], (1.0, 2.0), None)
  said = verdict.phrase(heard, LABELS, 1.0)
  assert 'generated from 1.0 to 2.0 s, with probability 0.900' in said
  track = verdict.track(heard, LABELS)
  assert np.isnan(track[0]) and track[1] == 0.9


def test_who_cannot_say_says_why():
  heard = Heard(None, [None], None, 'there is nothing to hear')
  assert 'cannot say: there is nothing' in verdict.phrase(heard, LABELS, 1.0)
  assert np.isnan(verdict.track(heard, LABELS)).all()
  assert np.isnan(verdict.track(heard, ['a', 'b'])).all()
