"""Tests `audiolm_jax/evaluation/metrics/music.py`."""

import sys

import numpy as np
import pytest

from audiolm_jax.evaluation.metrics import music
from audiolm_jax.evaluation.metrics.music import Sound
from audiolm_jax.evaluation.tables import Missing

SAMPLE_RATE = 16000
C_MAJOR, A_MAJOR, F_SHARP_MAJOR = (60, 64, 67), (57, 61, 64), (54, 58, 61)


@pytest.fixture(name='listen', scope='module')
def fixture_listen():
  pytest.importorskip('librosa')
  return lambda waveform: music.listen(waveform, SAMPLE_RATE)


def test_a_note_is_heard_as_its_own_class(played, listen):
  for pitch in (57, 60, 66):
    chroma = listen(played([pitch])).chroma
    assert chroma.argmax() == pitch % 12
    assert np.linalg.norm(chroma) == pytest.approx(1.0)


def test_harmony_agrees_less_the_further_it_goes(played, listen):
  home = listen(played(C_MAJOR))
  others = [listen(played(x)) for x in (C_MAJOR, A_MAJOR, F_SHARP_MAJOR)]
  for agreement in (music.chroma_agreement, music.key_agreement):
    scores = [agreement(home, other) for other in others]
    assert scores == sorted(scores, reverse=True) and scores[2] < scores[1]
    assert scores[0] == pytest.approx(1.0, abs=1e-6)
  assert music.key_agreement(home, others[2]) < 0


def test_noise_hides_the_harmony(played, listen, noise):
  home, chords = listen(played(C_MAJOR)), played(C_MAJOR)[: len(noise)]
  scores = [
      music.key_agreement(home, listen(chords + level * noise))
      for level in (0.0, 0.03, 0.3)
  ]
  assert scores == sorted(scores, reverse=True) and scores[2] < scores[0]


def test_chords_are_counted(played, listen):
  for rate in (2.0, 4.0):
    found = listen(played(C_MAJOR, rate, 8.0)).onsets_per_second
    assert found == pytest.approx(rate, abs=0.15)


def test_silence_is_worst_and_a_silent_prompt_says_nothing(played, listen):
  home, silence = listen(played(C_MAJOR)), listen(np.zeros(16000))
  for agreement in (
      music.chroma_agreement,
      music.key_agreement,
      music.onset_agreement,
  ):
    assert agreement(home, silence) == 0.0
    assert np.isnan(agreement(silence, silence))


def test_onset_agreement_is_the_ratio_either_way():
  slow, fast = (Sound(np.zeros(12), rate) for rate in (2.0, 5.0))
  assert music.onset_agreement(slow, fast) == pytest.approx(0.4)
  assert music.onset_agreement(fast, slow) == pytest.approx(0.4)


def test_a_missing_library_is_said(monkeypatch):
  monkeypatch.setitem(sys.modules, 'librosa', None)
  why = music.missing_library()
  assert isinstance(why, Missing) and 'pip install' in why.why
