"""Tables II and IV of `audiolm evaluate`: what is understood of speech."""

import pathlib
from collections.abc import Sequence

from audiolm_jax.audio import Sound
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.corpus import Clip
from audiolm_jax.evaluation.listeners.recogniser import Recogniser
from audiolm_jax.evaluation.sections import error_rates, probes
from audiolm_jax.evaluation.sections.error_rates import Spoken
from audiolm_jax.evaluation.sections.measuring import Findings
from audiolm_jax.evaluation.subjects import (
    comparison,
    continuations,
    minimal_pairs,
)
from audiolm_jax.evaluation.subjects.comparison import AUTOREGRESSIVE, Asked
from audiolm_jax.evaluation.tables import Missing

# Seconds of clips to recognise; the paper's last 4 to 10 s (s. IV-C).
_SHORTEST_SECONDS, _LONGEST_SECONDS = 2.0, 16.0


def in_language(clips: Sequence[Clip], language: str) -> list[Clip]:
  """Clips of 2 to 16 s with a transcript, in a language or in none named."""
  return [
      clip
      for clip in clips
      if clip.transcript
      and (clip.language or language) == language
      and _SHORTEST_SECONDS <= clip.seconds <= _LONGEST_SECONDS
  ]


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
    findings: Report that gets a table.
    bundle: Models that regenerate the clips.
    clips: Held-out clips (in_language).
    asked: Number of clips, batch size and seed.
    recognise: Speech to text, or why there is none.
    language: Language that is spoken.
  """
  chosen = continuations.choose(clips, 0.0, asked.num_prompts)
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
                      Sound(each, bundle.tokenizers.sample_rate),
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
  source = f'Pairs of {pathlib.Path(folder).name}.'
  findings.tables.append(probes.table(pairs, scores, source, seed))
