"""Whose voice it is, and whether it was generated: classifiers are asked."""

import numpy as np

from audiolm_jax.bundle import Bundle
from audiolm_jax.classifier.labels import GENERATED
from audiolm_jax.evaluation import (
    comparison,
    detection,
    speaker,
    speaker_encoder,
    speaker_similarity,
)
from audiolm_jax.evaluation.comparison import (
    AUTOREGRESSIVE,
    Asked,
    Comparison,
    Waveform,
)
from audiolm_jax.evaluation.tables import Table


def regenerated(
    bundle: Bundle, found: Comparison, asked: Asked
) -> list[Waveform]:
  """What follows prompts, by other voices: no model heard the prompt."""
  wholes = [
      np.concatenate([excerpt.prompt, excerpt.rest])
      for excerpt in found.excerpts
  ]
  lm = comparison.models(bundle, None)[AUTOREGRESSIVE]
  made = comparison.regenerate(lm, wholes, asked.batch_size, asked.seed)
  return [
      waveform[len(excerpt.prompt) :]
      for excerpt, waveform in zip(found.excerpts, made, strict=True)
  ]


def similarity(found: Comparison, anew: list[Waveform], asked: Asked) -> Table:
  """By an encoder that knows none of the speakers."""
  sounds = {
      speaker_similarity.TRUE: [excerpt.rest for excerpt in found.excerpts],
      speaker_similarity.CODEC: [excerpt.codec for excerpt in found.excerpts],
      speaker_similarity.GENERATION: anew,
  }
  for name, rows in found.made.items():
    label = f'{speaker_similarity.CONTINUATION}, {name}'
    if name == AUTOREGRESSIVE:
      label = speaker_similarity.CONTINUATION
    sounds[label] = [
        row[number].waveform
        for number in range(asked.samples_per_prompt)
        for row in rows
    ]
  return speaker_similarity.table(
      speaker_encoder.resemblyzer(),
      [excerpt.prompt for excerpt in found.excerpts],
      found.groups,
      sounds,
      f'{len(found.excerpts)} prompts.',
      asked.seed,
  )


def classification(
    found: Comparison, anew: list[Waveform], speakers: str, seed: int
) -> Table:
  """By a classifier that knows all of the speakers."""
  classifier = Bundle.load(speakers).classifier
  groups = [str(group) for group in found.groups]
  sets = {
      speaker.ORIGINAL: [excerpt.rest for excerpt in found.excerpts],
      speaker.RECONSTRUCTION: [excerpt.codec for excerpt in found.excerpts],
      speaker.ACOUSTIC_GENERATION: anew,
  }
  spoken = {
      name: speaker.Spoken(waveforms, groups)
      for name, waveforms in sets.items()
  }
  for name in found.made:
    pairs = found.all(name)
    label = f'{speaker.CONTINUATION}, {name}'
    spoken[speaker.CONTINUATION if name == AUTOREGRESSIVE else label] = (
        speaker.Spoken(
            [waveform for _, waveform in pairs],
            [str(excerpt.group) for excerpt, _ in pairs],
        )
    )
  return speaker.table(
      lambda waveform: classifier.classify(waveform).label,
      classifier.labels,
      spoken,
      seed,
  )


def detected(found: Comparison, detector: str, seed: int) -> Table:
  """Continuations without their prompts against what the codec made of clips.

  Each model's continuations are balanced with the same originals.
  """
  classifier = Bundle.load(detector).classifier

  def detect(waveform: Waveform) -> float:
    return classifier.classify(waveform).probability(GENERATED)

  originals = [excerpt.codec for excerpt in found.excerpts]
  rows = {}
  for name in found.made:
    made = found.first(name)
    rows[name] = detection.judge(
        detect,
        [*originals, *made],
        [False] * len(originals) + [True] * len(made),
        [str(group) for group in found.groups] * 2,
        found.sample_rate,
        seed=seed,
    )
  return detection.table(rows, detector, seed)
