"""Tests audiolm_jax/classifier/listening.py and levels.py."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from audiolm_jax import audio
from audiolm_jax.audio import Sound
from audiolm_jax.classifier import clips, listening
from audiolm_jax.classifier.clips import ClipClassifier
from audiolm_jax.classifier.model import Classifier

RATE = 8000


class Pitch(Classifier):
  """Hears 1 kHz as generated, and what is lower as original, at any level."""

  def __call__(self, waveform, training=False):
    spectrum = jnp.abs(jnp.fft.rfft(waveform, axis=1)) ** 2
    high, low = spectrum[:, 700:].sum(1), spectrum[:, 50:700].sum(1)
    # What a level that training never met does to a real model.
    loud = jnp.sqrt(jnp.mean(waveform**2, axis=1)) > 0.02
    logit = jnp.where(loud, 6 * (2 * high / (high + low) - 1), 9.0)
    return jnp.stack([jnp.zeros_like(logit), logit], axis=-1)


DETECTOR = ClipClassifier(
    Pitch(('original', 'generated'), sample_rate=RATE), {}
)


def syllables(hertz: float, seconds: float) -> np.ndarray:
  """A voice that rises and falls four times a second."""
  time = np.arange(round(seconds * RATE)) / RATE
  voice = np.sin(2 * np.pi * hertz * time) * np.sin(np.pi * 4 * time) ** 2
  return (0.3 * voice).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
  return np.zeros(round(seconds * RATE), np.float32)


def label(heard: listening.Heard) -> str:
  return DETECTOR.labels[int(heard.probabilities.argmax())]


@pytest.mark.parametrize('decibels', [6, 0, -20, -40, -50])
@pytest.mark.parametrize(
    'hertz,expected', [(300, 'original'), (1000, 'generated')]
)
def test_the_level_of_a_clip_does_not_matter(decibels, hertz, expected):
  waveform = syllables(hertz, 3.0) * np.float32(10 ** (decibels / 20))
  pcm = np.round(waveform * 32767).astype(np.float32) / 32767
  heard = listening.listen(DETECTOR, Sound(pcm, RATE))
  assert label(heard) == expected and heard.reason is None


@pytest.mark.parametrize(
    'hertz,expected', [(300, 'original'), (1000, 'generated')]
)
@pytest.mark.parametrize('order', [1, -1])
def test_silence_does_not_vote(hertz, expected, order):
  parts = [syllables(hertz, 3.0), silence(20.0)][::order]
  heard = listening.listen(DETECTOR, Sound(np.concatenate(parts), RATE))
  assert label(heard) == expected
  assert sum(row is None for row in heard.track) == 20
  voiced = [row for row in heard.track if row is not None]
  assert len(voiced) == 3
  assert all(DETECTOR.labels[int(r.argmax())] == expected for r in voiced)


@pytest.mark.parametrize(
    'before,generated,behind', [(10, 7, 10), (20, 7, 0), (0, 3, 9)]
)
def test_the_headline_is_the_longest_generated_run(before, generated, behind):
  waveform = np.concatenate(
      [
          syllables(300, before),
          syllables(1000, generated),
          syllables(300, behind),
      ]
  )
  heard = listening.listen(DETECTOR, Sound(waveform, RATE))
  assert heard.run == (before, before + generated)
  assert label(heard) == 'generated' and heard.probabilities[1] > 0.9


def test_pauses_do_not_end_a_run_and_one_second_makes_none():
  waveform = np.concatenate(
      [
          syllables(1000, 3.0),
          silence(2.0),
          syllables(1000, 3.0),
          syllables(300, 4),
      ]
  )
  assert listening.listen(DETECTOR, Sound(waveform, RATE)).run == (0, 8)
  blip = np.concatenate(
      [syllables(300, 5.0), syllables(1000, 1.0), syllables(300, 5.0)]
  )
  heard = listening.listen(DETECTOR, Sound(blip, RATE))
  assert heard.run is None and label(heard) == 'original'


def noise(decibels: float, colour: float = 0.0) -> np.ndarray:
  spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=4 * RATE))
  spectrum /= np.maximum(np.arange(len(spectrum)), 400) ** colour
  waveform = np.fft.irfft(spectrum)
  rms = np.sqrt(np.mean(waveform**2))
  return (waveform / rms * 10 ** (decibels / 20)).astype(np.float32)


UNHEARD = {
    'silence': silence(5.0),
    'one step': np.full(5 * RATE, 1 / 32768, np.float32),
    'dither': np.random.default_rng(0).integers(-1, 2, 40000) / 32768,
    'noise': noise(-70),
    'loud noise': noise(-20),
    'pink noise': noise(-70, 0.5),
    'hum': 0.001 * np.sin(2 * np.pi * 50 * np.arange(5 * RATE) / RATE),
}


@pytest.mark.parametrize('kind', UNHEARD)
def test_of_what_is_no_sound_it_cannot_say(kind):
  heard = listening.listen(
      DETECTOR, Sound(UNHEARD[kind].astype(np.float32), RATE)
  )
  assert heard.probabilities is None and heard.run is None
  assert 'nothing to hear' in heard.reason
  assert set(heard.track) == {None}


@given(length=st.integers(1, 3 * RATE))
@settings(max_examples=30, deadline=None)
def test_under_a_second_it_cannot_say(length):
  heard = listening.listen(DETECTOR, Sound(syllables(300, 3.0)[:length], RATE))
  assert len(heard.track) == -(-length // RATE)
  assert (heard.probabilities is None) == (length < RATE)
  assert (heard.reason is None) == (length >= RATE)


def test_other_labels_have_no_generated_run():
  speakers = ClipClassifier(Pitch(('anna', 'bert'), sample_rate=RATE), {})
  heard = listening.listen(speakers, Sound(syllables(1000, 5.0), RATE))
  assert heard.run is None and heard.probabilities[1] > 0.9
  assert clips.WINDOW_SECONDS == 1.0


@pytest.mark.parametrize('rate', [12000, 16000, 24000])
@pytest.mark.parametrize(
    'hertz, expected', [(300, 'original'), (1000, 'generated')]
)
def test_a_clip_of_another_rate_is_the_same_clip(rate, hertz, expected):
  voice = audio.convert(syllables(hertz, 4.0), RATE, rate)
  heard = listening.listen(DETECTOR, Sound(voice, rate))
  assert label(heard) == expected and len(heard.track) == 4
  verdict = DETECTOR.classify(Sound(voice, rate))
  assert len(verdict.track) == 4


def test_a_waveform_without_its_rate_is_not_listened_to():
  for listen in (DETECTOR.classify, lambda x: listening.listen(DETECTOR, x)):
    with pytest.raises((AttributeError, TypeCheckError)):
      listen(syllables(300, 2.0))


class Kinds(Pitch):
  """Hears 1.4 kHz and more as what it has not learnt to judge.

  Attributes:
    against: Class that such windows speak against.
  """

  against: int = 0

  def __call__(self, waveform, training=False):
    logits = super().__call__(waveform, training)
    spectrum = jnp.abs(jnp.fft.rfft(waveform, axis=1)) ** 2
    share = spectrum[:, 1400:].sum(1) / spectrum[:, 50:].sum(1)
    strange = (share > 0.5)[:, None]
    # Were they to vote, such windows would turn any verdict round.
    loud = jnp.array([[0.0, 90.0], [90.0, 0.0]])[self.against]
    logits = jnp.where(strange, loud[None], logits)
    other = jnp.where(strange, logits.max(axis=-1, keepdims=True) + 20, -20.0)
    return jnp.concatenate([logits, other], axis=-1)


def kinds(against: str = 'original') -> ClipClassifier:
  labels = ('original', 'generated', 'other')
  return ClipClassifier(
      Kinds(labels, sample_rate=RATE, against=labels.index(against)), {}
  )


@pytest.mark.parametrize('order', [1, -1])
@pytest.mark.parametrize('hertz', [300, 1000])
def test_what_it_never_learnt_to_judge_does_not_vote(hertz, order):
  speech, music = syllables(hertz, 5.0), syllables(2000, 3.0)
  both = np.concatenate([speech, music][::order])
  expected = 'original' if hertz == 300 else 'generated'
  classifier = kinds(against=expected)
  heard = listening.listen(classifier, Sound(both, RATE))
  assert classifier.labels[int(heard.probabilities.argmax())] == expected


def test_of_what_is_mostly_no_speech_it_cannot_say():
  both = np.concatenate([syllables(300, 3.0), syllables(2000, 5.0)])
  for waveform in (both, both[::-1].copy(), syllables(2000, 2.0)):
    heard = listening.listen(kinds(), Sound(waveform, RATE))
    assert heard.probabilities is None and 'no speech' in heard.reason
    assert all(row is None for row in heard.track)
