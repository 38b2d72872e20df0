"""Tests audiolm_jax/serving/pictures.py and what stands in them."""

import numpy as np
import tiny

from audiolm_jax.audio import Sound
from audiolm_jax.classifier.listening import Heard
from audiolm_jax.serving import pictures, verdict

SOUND = Sound(tiny.noise(1, 3.0)[0], 16000)
LABELS = ['original', 'generated']


def test_the_border_is_drawn_where_the_prompt_ends():
  unknown = np.full(3, np.nan)
  without, one, two = (
      pictures.draw(SOUND, seconds, unknown)[:, :, :3].astype(int)
      for seconds in (0.0, 1.0, 2.0)
  )
  assert without.shape == one.shape == two.shape
  # Of the spectrogram, in the middle of the picture, which has no colours that
  # tell prompt and continuation apart.
  row = one.shape[0] // 2
  changed_by_one, changed_by_two = (
      np.flatnonzero(
          np.abs(drawn[row - 20 : row + 20] - without[row - 20 : row + 20]).sum(
              axis=(0, 2)
          )
      )
      for drawn in (one, two)
  )
  width = one.shape[1]
  assert len(changed_by_one) and len(changed_by_two)
  apart = changed_by_two.mean() - changed_by_one.mean()
  # A third of the panel, which is nearly as wide as the picture.
  assert 0.25 * width < apart < 0.34 * width


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
