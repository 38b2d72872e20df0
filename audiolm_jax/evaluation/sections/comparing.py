"""Measures of `audiolm evaluate` on continuations and regenerated clips."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.corpus import Clip
from audiolm_jax.evaluation.listeners import basic_pitch, naturalness
from audiolm_jax.evaluation.report import page, plots
from audiolm_jax.evaluation.sections import judging, memorised, piano, quality
from audiolm_jax.evaluation.sections.measuring import Findings, timed
from audiolm_jax.evaluation.subjects import comparison, piano_excerpts
from audiolm_jax.evaluation.subjects.comparison import (
    ACOUSTIC_ONLY,
    Asked,
    Comparison,
)
from audiolm_jax.evaluation.tables import Table

# As many as somebody listens to.
_NUM_EXAMPLES = 4
RECONSTRUCTION = 'codec reconstruction'


class Others(NamedTuple):
  """Models beside the one that is measured; folders or names of bundles.

  Attributes:
    acoustic_only: Has an acoustic-only stage, or None.
    detector: Tells continuations from recordings, or None.
    speakers: Tells speakers apart, or None.
  """

  acoustic_only: str | None
  detector: str | None
  speakers: str | None


def continued(
    findings: Findings,
    bundle: Bundle,
    clips: Sequence[Clip],
    asked: Asked,
    others: Others,
    tokens: str | None,
) -> None:
  """Has the models go on from held-out prompts; measures what they made."""
  rival = others.acoustic_only and Bundle.load(others.acoustic_only)
  found = comparison.compare(
      bundle, comparison.models(bundle, rival), clips, asked
  )
  findings.examples += _examples(findings, found)
  with timed('Quality'):
    findings.tables.append(_quality(found, asked.seed))
  if tokens:
    with timed('Copying'):
      findings.tables.append(_copied(bundle, found, tokens, asked.seed))
  if _is_speech(found):
    with timed('Voices'):
      judging.voices(findings, bundle, found, asked, others.speakers)
  else:
    with timed('Piano'):
      findings.tables += _piano(found, asked.seed)
  if others.detector:
    with timed('Detector'):
      judging.detected(findings, found, others.detector, asked.seed)


def _systems(found: Comparison) -> dict[str, quality.System]:
  systems = {
      RECONSTRUCTION: quality.System([[e.codec] for e in found.excerpts])
  }
  for name, rows in found.made.items():
    several = not all(each.is_first for row in rows for each in row)
    systems[name] = quality.System(
        [[each.waveform for each in row] for row in rows],
        rows,
        [
            # The first batch was compiled.
            [
                math.nan if several and each.is_first else each.seconds
                for each in row
            ]
            for row in rows
        ],
    )
  return systems


def _quality(found: Comparison, seed: int) -> Table:
  clips = quality.Clips(
      [excerpt.rest for excerpt in found.excerpts],
      found.groups,
      found.sample_rate,
      seed,
  )
  # DNSMOS says nothing of music.
  predict_mos = naturalness.dnsmos() if _is_speech(found) else None
  return quality.table(clips, _systems(found), predict_mos)


def _is_speech(found: Comparison) -> bool:
  return any(excerpt.clip.speaker for excerpt in found.excerpts)


def _piano(found: Comparison, seed: int) -> list[Table]:
  made = {name: found.first(name) for name in found.made}
  excerpts = piano_excerpts.Excerpts(
      [excerpt.prompt for excerpt in found.excerpts],
      found.groups,
      {
          piano_excerpts.TRUE: [excerpt.rest for excerpt in found.excerpts],
          RECONSTRUCTION: [excerpt.codec for excerpt in found.excerpts],
          **made,
      },
      found.sample_rate,
  )
  rival = ACOUSTIC_ONLY if ACOUSTIC_ONLY in made else piano_excerpts.OTHER
  return piano.tables(
      excerpts,
      basic_pitch.transcriber(),
      (comparison.foremost(made), rival),
      seed,
  )


def _copied(bundle: Bundle, found: Comparison, tokens: str, seed: int) -> Table:
  """Looks for the training set in what was made."""
  # TensorFlow is needed here only.
  from audiolm_jax.tokens.store import store

  clips = quality.Clips([], found.groups, found.sample_rate, seed)
  return memorised.table(
      clips,
      comparison.tokens_of_rest(bundle, found),
      _systems(found),
      store.Split(tokens, 'train'),
      bundle.tokenizers.sizes,
  )


def _examples(findings: Findings, found: Comparison) -> list[page.Example]:
  examples = []
  for place, excerpt in enumerate(found.excerpts[:_NUM_EXAMPLES]):
    prompt = excerpt.prompt
    takes = {
        'recording': excerpt.rest,
        'codec': excerpt.codec,
        **{name: found.first(name)[place] for name in found.made},
    }
    sounds = [
        page.Take(name, np.concatenate([prompt, rest]))
        for name, rest in takes.items()
    ]
    seconds = len(prompt) / found.sample_rate
    picture = None
    if findings.draws:
      picture = findings.folder / f'example_{place + 1}.png'
      plots.spectrograms(
          [plots.Sound(*take, seconds) for take in sounds],
          found.sample_rate,
          picture,
      )
    title = f'{place + 1}. {excerpt.group}, after {seconds:.1f} s'
    examples.append(page.Example(title, sounds, found.sample_rate, picture))
  return examples
