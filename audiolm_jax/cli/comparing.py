"""What `audiolm evaluate` measures of continuations and regenerated clips."""

import math
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiolm_jax.bundle import Bundle
from audiolm_jax.cli import judging
from audiolm_jax.cli.measuring import Findings, timed
from audiolm_jax.corpus import Clip
from audiolm_jax.evaluation import (
    basic_pitch,
    comparison,
    continuations,
    error_rates,
    memorised,
    minimal_pairs,
    naturalness,
    page,
    piano,
    piano_excerpts,
    plots,
    probes,
    quality,
)
from audiolm_jax.evaluation.comparison import (
    ACOUSTIC_ONLY,
    AUTOREGRESSIVE,
    Asked,
    Comparison,
)
from audiolm_jax.evaluation.error_rates import Spoken
from audiolm_jax.evaluation.recogniser import Recogniser
from audiolm_jax.evaluation.tables import Missing, Table

# As many as somebody listens to.
_NUM_EXAMPLES = 4
RECONSTRUCTION = 'codec reconstruction'
# Of clips to recognise; the paper's last 4 to 10 s (s. IV-C).
_LONGEST_SECONDS = 16.0


class Others(NamedTuple):
  """Models beside the one that is measured; folders or names of bundles.

  Attributes:
    acoustic_only: Has an acoustic-only stage, or None.
    detector: Tells continuations from recordings, or ''.
    speakers: Tells speakers apart, or ''.
  """

  acoustic_only: str | None
  detector: str
  speakers: str


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
      anew = judging.regenerated(bundle, found, asked)
      findings.tables.append(judging.similarity(found, anew, asked))
      if others.speakers:
        findings.tables.append(
            judging.classification(found, anew, others.speakers, asked.seed)
        )
  else:
    with timed('Piano'):
      findings.tables += _piano(found, asked.seed)
  if others.detector:
    with timed('Detector'):
      judging.detected(findings, found, others.detector, asked.seed)


def _ways(found: Comparison) -> dict[str, quality.Way]:
  ways = {RECONSTRUCTION: quality.Way([[e.codec] for e in found.excerpts])}
  for name, rows in found.made.items():
    several = not all(each.is_first for row in rows for each in row)
    ways[name] = quality.Way(
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
  return ways


def _quality(found: Comparison, seed: int) -> Table:
  clips = quality.Clips(
      [excerpt.rest for excerpt in found.excerpts],
      found.groups,
      found.sample_rate,
      seed,
  )
  # DNSMOS says nothing of music.
  opinion = naturalness.dnsmos() if _is_speech(found) else None
  return quality.table(clips, _ways(found), opinion)


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
      excerpts, basic_pitch.transcriber(), (AUTOREGRESSIVE, rival), seed
  )


def _copied(bundle: Bundle, found: Comparison, tokens: str, seed: int) -> Table:
  """Looks for the training set in what was made."""
  # TensorFlow is needed here only.
  from audiolm_jax.tokens import store

  clips = quality.Clips([], found.groups, found.sample_rate, seed)
  return memorised.table(
      clips,
      comparison.tokens_of_rest(bundle, found),
      _ways(found),
      store.Split(tokens, 'train'),
      bundle.tokenizers.sizes,
  )


def likelier(
    findings: Findings, bundle: Bundle, folder: str, num_pairs: int, seed: int
) -> None:
  """Asks the semantic stage which of two recordings is likelier."""
  pairs = minimal_pairs.read(folder, max_pairs=num_pairs)
  paths = [
      path
      for some in pairs.values()
      for pair in some
      for path in (pair.good, pair.bad)
  ]
  scores = minimal_pairs.score(
      bundle.semantic, bundle.language_model('semantic'), paths
  )
  findings.tables.append(
      probes.table(
          pairs, scores, f'Pairs of {pathlib.Path(folder).name}.', seed
      )
  )


def understood(
    findings: Findings,
    bundle: Bundle,
    clips: Sequence[Clip],
    asked: Asked,
    recognise: Recogniser | Missing,
    language: str,
) -> None:
  """Regenerates clips from semantic tokens, and has all recognised.

  Args:
    findings: Gets a table.
    bundle: Makes them.
    clips: Held-out ones.
    asked: Says how many.
    recognise: Speech to text, or why there is none.
    language: Clips in others are left out; those whose manifest does not say
      are in it.
  """
  said = [
      clip
      for clip in clips
      if clip.transcript
      and (clip.language or language) == language
      and clip.seconds <= _LONGEST_SECONDS
  ]
  chosen = continuations.choose(said, 1.0, asked.num_prompts)
  sources = sorted({clip.source for clip in chosen})
  excerpts = continuations.cut(bundle, chosen, 0.0, _LONGEST_SECONDS)
  originals = [excerpt.rest for excerpt in excerpts]
  sounds = {
      error_rates.ORIGINAL: originals,
      error_rates.CODEC: [excerpt.codec for excerpt in excerpts],
  }
  for name, lm in comparison.models(bundle, None).items():
    label = error_rates.GENERATION if name == AUTOREGRESSIVE else name
    sounds[label] = comparison.regenerate(
        lm, originals, asked.batch_size, asked.seed
    )
  findings.tables.append(
      error_rates.table(
          recognise,
          {
              name: [
                  Spoken(
                      each,
                      clip.transcript,
                      clip.speaker or clip.path,
                      language,
                  )
                  for each, clip in zip(waveforms, chosen, strict=True)
              ]
              for name, waveforms in sounds.items()
          },
          f'{len(chosen)} held-out clips of {", ".join(sources)}.',
          asked.seed,
      )
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
