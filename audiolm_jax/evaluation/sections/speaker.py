"""Voices that a classifier hears in what was generated (AudioLM Table III)."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from audiolm_jax.audio import Sound
from audiolm_jax.evaluation import intervals
from audiolm_jax.evaluation.intervals import Figure
from audiolm_jax.evaluation.tables import Table

# The speaker that a classifier of a closed set hears.
WhoSpeaks = Callable[[Sound], str]

ORIGINAL = 'originals, held out'
RECONSTRUCTION = 'codec reconstruction'
ACOUSTIC_GENERATION = 'acoustic generation, no prompt'
CONTINUATION = 'continuation, without its prompt'
# Accuracy of the paper, of 291 speakers.
_PAPER = {
    RECONSTRUCTION: 100.0,
    ACOUSTIC_GENERATION: 3.2,
    CONTINUATION: 92.6,
}


class Spoken(NamedTuple):
  """Clips and who is to be heard in them, in the order of the sounds."""

  sounds: Sequence[Sound]
  speakers: Sequence[str]


def accuracy(
    who_speaks: WhoSpeaks,
    spoken: Spoken,
    known: Sequence[str],
    seed: int = 0,
) -> Figure:
  """Accuracy in percent; speakers outside of the closed set do not count."""
  pairs = [
      (sound, speaker)
      for sound, speaker in zip(*spoken, strict=True)
      if speaker in known
  ]
  right = [100.0 * (who_speaks(sound) == speaker) for sound, speaker in pairs]
  return intervals.mean(right, [speaker for _, speaker in pairs], seed)


def table(
    who_speaks: WhoSpeaks,
    known: Sequence[str],
    sets: Mapping[str, Spoken],
    seed: int = 0,
) -> Table:
  """Table III, of clips that the classifier did not learn from.

  Args:
    who_speaks: The classifier.
    known: Its closed set.
    sets: Clips by what they are: ORIGINAL, RECONSTRUCTION,
      ACOUSTIC_GENERATION, CONTINUATION.
    seed: Seed of the intervals.
  """
  rows = []
  for name, spoken in sets.items():
    figure = accuracy(who_speaks, spoken, known, seed)
    rows.append((name, figure, figure.num_clips, _PAPER.get(name)))
  return Table(
      name='speaker_classification',
      title='Speaker classification',
      note=(
          f'Accuracy in percent of a classifier of {len(known)} speakers, who'
          f' are right by chance in {100 / len(known):.1f} %; the paper has'
          ' 291 (0.3 %). Reconstructions and continuations should keep the'
          ' speaker; acoustic generation, which hears what is said and not who'
          ' says it, should not (AudioLM s. IV-D, IV-F, Table III).'
      ),
      header=('clips', 'accuracy %', 'N', 'AudioLM %'),
      rows=rows,
  )
