"""A small pianist: plays a score with a tempo, a touch and a foot of its own.

All expression is drawn from a seed by rule: phrase arcs, slow wandering of
tempo and loudness, a brought-out melody, legato, pedal. It is not human.
"""

import zlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax.adapters.performance import Performance
from data.shipped.scores import Score

_GRID = 0.25  # Quarters between points of the tempo curve.
_LOW, _HIGH = 24, 104

_TEMPI = {
    'bach': 72,
    'palestrina': 132,
    'monteverdi': 112,
    'trecento': 126,
    'corelli': 92,
    'handel': 92,
    'schumann_robert': 84,
    'schumann_clara': 84,
    'joplin': 88,
}
# Written in long notes; the median note shall last this many seconds.
_LONG_NOTES = ('palestrina', 'josquin', 'trecento')
_MEDIAN_SECONDS = 0.45


class _Curves(NamedTuple):
  """Slow curves of time and loudness; each over the same grid of quarters."""

  quarters: Float[np.ndarray, ' T']
  seconds: Float[np.ndarray, ' T']
  arc: Float[np.ndarray, ' T']
  wander: Float[np.ndarray, ' T']

  def time(self, quarters):
    return np.interp(quarters, self.quarters, self.seconds)

  def loudness(self, quarters):
    arc = np.interp(quarters, self.quarters, self.arc)
    return 14 * arc - 7 + 5 * np.interp(quarters, self.quarters, self.wander)


def perform(score: Score, composer: str, seed: int, name: str) -> Performance:
  """The same (seed, name) plays the same score the same way."""
  draws = np.random.default_rng([seed, zlib.crc32(name.encode())])
  pitch = score.notes[:, 2]
  written = score.notes[(pitch >= _LOW) & (pitch <= _HIGH)]
  pattern = _pattern(score, composer, draws)
  curves = _curves(score, _tempo(score, composer, draws), draws)
  if pattern is None:
    voiced = _with_voicing(written)
  else:
    voiced = _arpeggios(written, pattern)
  notes = _without_clashes(_touch(voiced, curves, draws))
  beat = 2.0 if composer in _LONG_NOTES else 1.0
  return Performance(notes, _pedal(curves, beat, draws))


def _pattern(
    score: Score, composer: str, draws: np.random.Generator
) -> float | None:
  """Half of the chorales are broken into eighths or sixteenths."""
  if composer != 'bach' or score.num_voices != 4 or len(score.notes) > 900:
    return None
  return (None, None, 0.5, 0.25)[draws.integers(4)]


def _tempo(score: Score, composer: str, draws: np.random.Generator) -> float:
  """Quarters a minute."""
  variation = np.exp(draws.normal(0, 0.10))
  if composer in _LONG_NOTES:
    median = np.median(score.notes[:, 1])
    return float(np.clip(median * 60 / _MEDIAN_SECONDS, 80, 400))
  if score.quarters_per_minute and composer not in _TEMPI:
    return float(np.clip(score.quarters_per_minute, 50, 176))
  return _TEMPI.get(composer, 104) * variation


def _curves(score: Score, tempo: float, draws: np.random.Generator) -> _Curves:
  end = (score.notes[:, 0] + score.notes[:, 1]).max()
  quarters = np.arange(0, end + 2, _GRID)
  phrase = score.bar * draws.choice([2, 4, 4, 8])
  x = quarters % phrase / phrase
  arc = 4 * x * (1 - x)
  wander = _wander(len(quarters), draws)
  pace = 1 + 0.05 * (arc - 0.5) + 0.02 * wander
  pace = np.where(x > 0.9, 0.93 * pace, pace)
  last_bar = quarters > end - score.bar
  pace[last_bar] *= np.linspace(1, 0.62, last_bar.sum())
  steps = _GRID * 60 / (tempo * pace)
  return _Curves(quarters, np.cumsum(steps) - steps[0], arc, wander)


def _wander(
    length: int, draws: np.random.Generator, width: int = 81
) -> Float[np.ndarray, ' T']:
  """Noise with a spread of about one that takes bars to change."""
  window = np.hanning(width)
  noise = draws.normal(size=length + width - 1)
  return np.convolve(noise, window / np.linalg.norm(window), 'valid')


def _with_voicing(
    written: Float[np.ndarray, 'L 4'],
) -> Float[np.ndarray, 'L 5']:
  """Appends how much a note is brought out: melody 1, bass 0.3, others 0."""
  _, chord = np.unique(written[:, 0], return_inverse=True)
  top = np.full(chord.max() + 1, -np.inf)
  bottom = np.full(chord.max() + 1, np.inf)
  np.maximum.at(top, chord, written[:, 2])
  np.minimum.at(bottom, chord, written[:, 2])
  melody = written[:, 2] == top[chord]
  bass = written[:, 2] == bottom[chord]
  return np.column_stack([written, np.where(melody, 1, 0.3 * bass)])


def _arpeggios(
    written: Float[np.ndarray, 'L 4'], step: float
) -> Float[np.ndarray, 'L2 5']:
  """Each quarter's chord up and down again in notes of `step` quarters."""
  onsets, ends = written[:, 0], written[:, 0] + written[:, 1]
  notes = []
  for quarter in np.arange(0, ends.max()):
    sounding = (onsets < quarter + 1e-6) & (ends > quarter + 1e-6)
    chord = np.unique(written[sounding, 2])
    if len(chord):
      around = np.concatenate([chord, chord[-2:0:-1]])
      for number in range(round(1 / step)):
        pitch = around[number % len(around)]
        notes.append(
            (
                quarter + number * step,
                1.6 * step,
                pitch,
                0.3 if number else 1.0,
                float(pitch == chord[-1]),
            )
        )
      if chord[-1] not in around[: round(1 / step)]:
        notes.append((quarter, 1.0, chord[-1], 0.8, 1.0))
  return np.array(notes)


def _touch(
    voiced: Float[np.ndarray, 'L 5'],
    curves: _Curves,
    draws: np.random.Generator,
) -> Float[np.ndarray, 'L 4']:
  """Quarters to seconds, and how hard each key is struck."""
  onset, length, pitch, beat, voice = voiced.T
  velocity = draws.normal(58, 6) + curves.loudness(onset)
  velocity += 12 * voice + 7 * beat + draws.normal(0, 3, len(onset))
  # A melody is heard better a few milliseconds before its chord.
  start = curves.time(onset) - 0.014 * (voice == 1)
  start += draws.normal(0, 0.007, len(onset))
  end = curves.time(onset + length * draws.uniform(0.88, 1.02))
  lead_in = 0.15 - min(0.0, start.min())
  start, end = start + lead_in, end + lead_in
  return np.column_stack(
      [
          start,
          np.maximum(end, start + 0.06),
          pitch,
          np.clip(velocity, 18, 118),
      ]
  )


def _without_clashes(
    notes: Float[np.ndarray, 'L 4'],
) -> Float[np.ndarray, 'L2 4']:
  """A key that is struck again is let go first; doublings become one."""
  notes = notes[np.lexsort((notes[:, 0], notes[:, 2]))]
  same_key = np.append(np.diff(notes[:, 2]) == 0, False)
  doubled = same_key & (np.append(np.diff(notes[:, 0]), np.inf) < 0.03)
  notes = notes[~doubled]
  same_key = np.append(np.diff(notes[:, 2]) == 0, False)
  struck_again = np.append(notes[1:, 0], np.inf) - 0.01
  end = np.where(same_key, np.minimum(notes[:, 1], struck_again), notes[:, 1])
  notes[:, 1] = end
  return notes[np.argsort(notes[:, 0], kind='stable')]


def _pedal(
    curves: _Curves, beat: float, draws: np.random.Generator
) -> Float[np.ndarray, 'S 2']:
  """Mostly changed on every beat; some pieces are played without."""
  if draws.random() > 0.85:
    return np.zeros((0, 2))
  beats = curves.time(np.arange(0, curves.quarters[-1] - 2, beat)) + 0.15
  pedal = np.column_stack([beats[:-1] + 0.06, beats[1:] - 0.01])
  return pedal[pedal[:, 1] - pedal[:, 0] > 0.15]
