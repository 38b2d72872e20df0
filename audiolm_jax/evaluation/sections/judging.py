"""Verdicts of classifiers on whose voice it is and whether it is generated."""

from collections.abc import Iterator, Sequence

import numpy as np

from audiolm_jax.audio import Sound
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.classifier.clips import ClipClassifier
from audiolm_jax.classifier.labels import GENERATED
from audiolm_jax.evaluation.listeners import speaker_encoder
from audiolm_jax.evaluation.metrics import detection
from audiolm_jax.evaluation.metrics.detection import Sample
from audiolm_jax.evaluation.report import plots
from audiolm_jax.evaluation.sections import speaker, speaker_similarity
from audiolm_jax.evaluation.sections.measuring import Findings
from audiolm_jax.evaluation.subjects import comparison
from audiolm_jax.evaluation.subjects.comparison import (
    AUTOREGRESSIVE,
    Asked,
    Comparison,
    Waveform,
)
from audiolm_jax.evaluation.tables import Table


def voices(
    findings: Findings,
    bundle: Bundle,
    found: Comparison,
    asked: Asked,
    speakers: str | None,
) -> None:
  """Measures how well voices stay, by an encoder and a classifier (Table III).

  Args:
    findings: Report that gets two tables, or one where the classifier knows
      nobody.
    bundle: Models that regenerate what follows the prompts, by other voices.
    found: Prompts, and what follows them.
    asked: Settings by which `found` was made.
    speakers: Bundle of the classifier, or None.
  """
  anew = _regenerated(bundle, found, asked)
  findings.tables.append(_similarity(found, anew, asked))
  classifier = Bundle.load(speakers).classifier if speakers else None
  if classifier and {str(g) for g in found.groups} & {*classifier.labels}:
    findings.tables.append(_classification(found, anew, classifier, asked.seed))


def _regenerated(
    bundle: Bundle, found: Comparison, asked: Asked
) -> list[Waveform]:
  """Continuations by other voices: no model heard the prompt."""
  wholes = [
      np.concatenate([excerpt.prompt, excerpt.rest])
      for excerpt in found.excerpts
  ]
  lms = comparison.models(bundle, None)
  lm = lms[comparison.foremost(lms)]
  made = comparison.regenerate(lm, wholes, asked.batch_size, asked.seed)
  return [
      waveform[len(excerpt.prompt) :]
      for excerpt, waveform in zip(found.excerpts, made, strict=True)
  ]


def _similarity(found: Comparison, anew: list[Waveform], asked: Asked) -> Table:
  """Table of voices by an encoder that knows none of the speakers."""
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
      _with_rate(found, [excerpt.prompt for excerpt in found.excerpts]),
      found.groups,
      {name: _with_rate(found, some) for name, some in sounds.items()},
      f'{len(found.excerpts)} prompts.',
      asked.seed,
  )


def _classification(
    found: Comparison,
    anew: list[Waveform],
    classifier: ClipClassifier,
    seed: int,
) -> Table:
  """Table of voices by a classifier that knows all of the speakers."""
  groups = [str(group) for group in found.groups]
  sets = {
      speaker.ORIGINAL: [excerpt.rest for excerpt in found.excerpts],
      speaker.RECONSTRUCTION: [excerpt.codec for excerpt in found.excerpts],
      speaker.ACOUSTIC_GENERATION: anew,
  }
  spoken = {
      name: speaker.Spoken(_with_rate(found, waveforms), groups)
      for name, waveforms in sets.items()
  }
  for name in found.made:
    pairs = found.all(name)
    label = f'{speaker.CONTINUATION}, {name}'
    spoken[speaker.CONTINUATION if name == AUTOREGRESSIVE else label] = (
        speaker.Spoken(
            _with_rate(found, [waveform for _, waveform in pairs]),
            [str(excerpt.group) for excerpt, _ in pairs],
        )
    )
  return speaker.table(
      lambda sound: classifier.classify(sound).label,
      classifier.labels,
      spoken,
      seed,
  )


def detected(
    findings: Findings, found: Comparison, detector: str, seed: int
) -> None:
  """Continuations without their prompts against what the codec made of clips.

  The more of the detector's own training clips are among the originals, the
  less the figures say: give it held-out speakers.
  """
  classifier = Bundle.load(detector).classifier

  def detect(sound: Sound) -> float:
    return classifier.classify(sound).probability(GENERATED)

  rows = detection.measure(
      detect, list(_samples(found)), found.sample_rate, seed=seed
  )
  findings.tables.append(detection.table(rows, f'"{detector}"', seed))
  if findings.draws:
    curves = {
        name: detection.roc(judged)
        for name, judged in rows.items()
        if 0 < judged.generated.sum() < len(judged.generated)
    }
    plots.rocs(curves, findings.folder / 'roc.png')


def _with_rate(found: Comparison, waveforms: Sequence[Waveform]) -> list[Sound]:
  return [Sound(waveform, found.sample_rate) for waveform in waveforms]


def _samples(found: Comparison) -> Iterator[Sample]:
  for excerpt in found.excerpts:
    group = str(excerpt.group)
    yield Sample(excerpt.codec, False, 'codec', group)
    yield Sample(excerpt.rest, False, detection.RECORDING, group)
  for name in found.made:
    made = zip(found.excerpts, found.first(name), strict=True)
    for excerpt, waveform in made:
      yield Sample(waveform, True, name, str(excerpt.group))
