"""Accuracy of detectors of continuations among originals (AudioLM s. IV-H)."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax import progress
from audiolm_jax.audio import Sound
from audiolm_jax.classifier.distortions import EVALUATED, Distortion
from audiolm_jax.evaluation import intervals
from audiolm_jax.evaluation.metrics.roc import Judged, accuracy, roc
from audiolm_jax.evaluation.tables import Table

Waveform = Float[np.ndarray, ' N']
# The probability that a clip was generated.
Detect = Callable[[Sound], float]

# AudioLM s. IV-H and SoundStorm s. 7, on sets of their own.
_PAPERS = (
    ('AudioLM, the paper', 98.6),
    ('SoundStorm with the same classifier, its paper', 98.5),
)
_HEADER = (
    'clips',
    'N',
    'accuracy %',
    'AUC',
    'originals right %',
    'generated right %',
)


# How originals came about that are not what a detector is asked about.
RECORDING = 'recording'


class Sample(NamedTuple):
  """A clip to ask a detector about.

  Attributes:
    waveform: Waveform of the clip; all clips have one sample rate.
    generated: Whether it is a continuation, without its prompt.
    how: Origin of the clip, such as 'autoregressive', 'parallel', 'codec';
      originals as they were recorded are RECORDING.
    group: Speaker or piece.
  """

  waveform: Waveform
  generated: bool
  how: str
  group: str


def judge(
    detect: Detect,
    samples: Sequence[Sample],
    sample_rate: int,
    distortion: Distortion | None = None,
    seed: int = 0,
) -> Judged:
  """Asks a detector about clips, distorted if a distortion is given."""
  scores = []
  for index, sample in enumerate(samples):
    waveform = sample.waveform
    if distortion is not None:
      draws = np.random.default_rng((seed, index))
      waveform = distortion(waveform, sample_rate, draws)
    scores.append(detect(Sound(waveform, sample_rate)))
  return Judged(
      np.array(scores, float),
      np.array([sample.generated for sample in samples], bool),
      [sample.group for sample in samples],
  )


def measure(
    detect: Detect,
    samples: Sequence[Sample],
    sample_rate: int,
    under: Mapping[str, Distortion] = EVALUATED,
    seed: int = 0,
) -> dict[str, Judged]:
  """All that the table has a row of, the whole set first.

  Args:
    detect: The detector.
    samples: Continuations, coded originals and, if they are to have their row,
      recordings.
    sample_rate: Hz.
    under: Distortions by what they are.
    seed: Seed of the distortions.
  """
  asked = [sample for sample in samples if sample.how != RECORDING]
  judged = judge(detect, asked, sample_rate)
  rows = {'all continuations': judged}
  ways = sorted({sample.how for sample in asked if sample.generated})
  for way in ways if len(ways) > 1 else []:
    chosen = [not sample.generated or sample.how == way for sample in asked]
    rows[f'only {way} ones'] = judged.only(np.array(chosen, bool))
  if recordings := [x for x in samples if x.how == RECORDING]:
    name = 'originals that no codec touched'
    rows[name] = judge(detect, recordings, sample_rate)
  for name, distortion in progress.follow(list(under.items()), 'distortions'):
    rows[name] = judge(detect, asked, sample_rate, distortion, seed)
  return rows


def table(rows: Mapping[str, Judged], model: str, seed: int = 0) -> Table:
  """The accuracy of each set of clips beside the papers'.

  Args:
    rows: Sets by what they are; one with both classes or with one.
    model: Names the detector.
    seed: Seed of the intervals.
  """
  measured = [_row(name, judged, seed) for name, judged in rows.items()]
  papers = [(name, None, value, None, None, None) for name, value in _PAPERS]
  return Table(
      name='detector',
      title='The detector',
      note=(
          f'What {model} says of continuations without their prompts and of'
          ' originals, which went through the same codec unless a row says'
          ' otherwise; whole clips, a threshold of one half, both classes'
          ' counting alike. Higher is better (AudioLM s. IV-H).'
      ),
      header=_HEADER,
      rows=[*measured, *papers],
  )


def refusals(
    refused: Mapping[str, Sequence[tuple[bool, str]]], seed: int = 0
) -> Table:
  """A table of how often the answer is "cannot say", which music should get.

  Args:
    refused: Clips by what they are: whether each got that answer, and its
      speaker, piece or source.
    seed: Seed of the intervals.
  """
  rows = []
  for name, clips in refused.items():
    values, groups = zip(*clips, strict=True)
    share = intervals.mean([100 * value for value in values], groups, seed)
    rows.append((name, len(clips), share))
  return Table(
      name='refusals',
      title='What the detector does not judge',
      note=(
          'Clips that `audiolm detect` "cannot say" anything of. Of music and'
          ' noises it should be all, of speech none. Games and their composers'
          ' are in one split only.'
      ),
      header=('clips', 'N', 'cannot say %'),
      rows=rows,
  )


def _row(name: str, judged: Judged, seed: int):
  both = 0 < judged.generated.sum() < len(judged.generated)
  sides = [
      accuracy(judged.only(judged.generated == side), seed)
      if (judged.generated == side).any()
      else None
      for side in (False, True)
  ]
  area = roc(judged).auc if both else None
  figure = accuracy(judged, seed) if both else None
  return (name, len(judged.scores), figure, area, *sides)
