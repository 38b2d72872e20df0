"""A small classifier, and clips that even that can tell apart."""

import numpy as np

from audiolm_jax import audio
from audiolm_jax.classifier.model import Classifier
from audiolm_jax.corpus import Clip

RATE = 16000
LABELS = ('original', 'generated')
MODEL = Classifier(LABELS, channels=(4, 8), num_mels=16)


def tone(hertz: float, seconds: float, seed: int = 0) -> np.ndarray:
  """A tone in a little noise."""
  time = np.arange(round(seconds * RATE)) / RATE
  hiss = np.random.default_rng(seed).normal(size=len(time))
  wave = 0.3 * np.sin(2 * np.pi * hertz * time) + 0.01 * hiss
  return wave.astype(np.float32)


def clips(folder, lengths=(1.5, 2.0, 3.0), **fields) -> list[Clip]:
  """High tones are originals, low ones are generated."""
  made = []
  for index, seconds in enumerate(lengths):
    for origin, hertz in zip(LABELS, (3000, 300), strict=True):
      path = folder / f'{origin}-{index}.wav'
      audio.write(path, tone(hertz + 10 * index, seconds, index), RATE)
      clip = Clip(str(path), seconds, 'train', 'tones', 'CC0-1.0', origin)
      made.append(clip._replace(origin=origin, **fields))
  return made
