"""Quality, speed and diversity of continuations."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax.evaluation import intervals
from audiolm_jax.evaluation.intervals import Figure
from audiolm_jax.evaluation.listeners.naturalness import MosPredictor
from audiolm_jax.evaluation.metrics import diversity, fidelity
from audiolm_jax.evaluation.metrics.copying import Coded
from audiolm_jax.evaluation.tables import Cell, Missing, Table

Waveform = Float[np.ndarray, ' _']

ORIGINAL = 'original'
# SoundStorm's Table 1 on clips of 4 to 10 s, and its speed on a TPU v4.
_PAPERS = {
    'SoundStorm Table 1: SoundStream': (3.72, None),
    'SoundStorm Table 1: AudioLM, 3 s prompt': (3.91, None),
    'SoundStorm Table 1: SoundStorm, 3 s prompt': (3.81, 0.017),
}


class System(NamedTuple):
  """A system that continues prompts, and what it made of them.

  Attributes:
    waveforms: Samples of each prompt, one or several, without the prompt.
    coded: Their tokens; () where there are none to measure.
    seconds: Seconds of computing each of them; () where nothing is computed.
  """

  waveforms: Sequence[Sequence[Waveform]]
  coded: Sequence[Sequence[Coded]] = ()
  seconds: Sequence[Sequence[float]] = ()


class Clips(NamedTuple):
  """The true continuations of prompts.

  Attributes:
    waveforms: True continuation of each prompt.
    groups: The speaker or piece of each.
    sample_rate: Hz.
    seed: Seed of the bootstrap.
  """

  waveforms: Sequence[Waveform]
  groups: Sequence[str]
  sample_rate: int
  seed: int = 0

  def figure(self, values: Sequence[Sequence[float]]) -> Figure:
    """The mean over a prompt's samples, then over prompts."""
    means = [np.mean(each) if len(each) else np.nan for each in values]
    return intervals.mean(means, self.groups, self.seed)


def table(
    clips: Clips,
    systems: Mapping[str, System],
    predict_mos: MosPredictor | Missing | None,
) -> Table:
  """Naturalness, distance to the truth, speed and diversity.

  Args:
    clips: Measured too, in a row of their own.
    systems: The codec's reconstruction and the models' continuations, by name.
    predict_mos: DNSMOS, or why there is none; None for music, of which it
      knows nothing.
  """
  truth = System([[waveform] for waveform in clips.waveforms])
  rows = [
      [name, *_row(clips, system, predict_mos)]
      for name, system in {ORIGINAL: truth, **systems}.items()
  ]
  papers = [
      [name, score, None, factor, None, None]
      for name, (score, factor) in _PAPERS.items()
  ]
  return Table(
      'quality',
      'Quality, speed and diversity',
      f'{len(clips.waveforms)} prompts of {len(set(clips.groups))} speakers or'
      ' pieces. DNSMOS (overall, 1 to 5, higher is better; made for speech);'
      ' the papers use a network of the same kind. Mel distance to what truly'
      ' follows, dB: another take of the same would not be 0. Seconds of'
      ' computing for a second of sound, once compiled. Diversity: how much'
      ' samples of one prompt differ, 0 if they are the same: 1 less the'
      ' correlation of their spectrograms, and edit distance of their semantic'
      ' tokens a token.',
      [
          'continuation',
          'DNSMOS',
          'mel distance, dB',
          'real-time factor',
          'diversity of sounds',
          'diversity of tokens',
      ],
      [*rows, *papers],
  )


def _row(
    clips: Clips, system: System, predict_mos: MosPredictor | Missing | None
) -> list[Cell]:
  rate = clips.sample_rate
  natural: Cell = predict_mos
  if callable(predict_mos):
    natural = clips.figure(
        _each(lambda x: predict_mos(x, rate), system.waveforms)
    )
  pairs = zip(system.waveforms, clips.waveforms, strict=True)
  distances = [[_distance(x, truth, rate) for x in row] for row, truth in pairs]
  sounds = [[diversity.of_sounds(row, rate)] for row in system.waveforms]
  said = [
      [diversity.of_tokens([x.semantic for x in row])] for row in system.coded
  ]
  values = [distances, _real_time_factors(system, rate), sounds, said]
  return [natural, *(_figure(clips, each) for each in values)]


def _figure(clips: Clips, values: Sequence[Sequence[float]]) -> Cell:
  """None where nothing was measured."""
  if all(np.isnan(value) for row in values for value in row):
    return None
  return clips.figure(values)


def _distance(made: Waveform, truth: Waveform, rate: int) -> float:
  length = min(len(made), len(truth))
  if not length:
    return float('nan')
  return fidelity.mel_distance(truth[:length], made[:length], rate)


def _real_time_factors(system: System, rate: int) -> list[list[float]]:
  return [
      [took * rate / max(len(x), 1) for took, x in zip(*pair, strict=True)]
      for pair in zip(system.seconds, system.waveforms, strict=False)
  ]


def _each(
    function: Callable[[Waveform], float], rows: Sequence[Sequence[Waveform]]
) -> list[list[float]]:
  return [[function(each) for each in row] for row in rows]
