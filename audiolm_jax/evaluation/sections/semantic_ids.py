"""The tables of `audiolm probe`: what ids say of phones, and what of words."""

import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax import audio, corpus
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.listeners import recogniser
from audiolm_jax.evaluation.metrics import labels, tokens_meaning
from audiolm_jax.evaluation.metrics.tokens_meaning import (
    FrameFeatures,
    FrameIds,
)
from audiolm_jax.evaluation.metrics.triphones import Speech
from audiolm_jax.evaluation.sections import error_rates, probing
from audiolm_jax.evaluation.sections.error_rates import Spoken
from audiolm_jax.evaluation.subjects import clips, speaking_probe
from audiolm_jax.evaluation.tables import Table
from audiolm_jax.tokens.tokenizers.contract import SemanticTokenizer

_CROP_SECONDS, _BATCH_SIZE = 4.0, 4
_SPOKEN = 'spoken from semantic tokens'
_LABELLED_SECONDS = 20.0


class Asked(NamedTuple):
  """The settings of a probe that learns to speak.

  Attributes:
    cpu_minutes: CPU-minutes that it learns for.
    num_clips: Number of clips that are recognised.
    language: Language of the clips.
    seed: Seed of all random choices.
  """

  cpu_minutes: float
  num_clips: int
  language: str
  seed: int


def speaking(
    semantic: SemanticTokenizer,
    training: Sequence[Clip],
    held_out: Sequence[Clip],
    asked: Asked,
    folder: pathlib.Path | None = None,
) -> Table:
  """Trains a probe to speak from ids, and has what it says recognised.

  Args:
    semantic: Makes the ids.
    training: Clips that the probe learns from.
    held_out: Clips of which some are spoken.
    asked: Settings: which of them, and how long the probe learns.
    folder: Folder that gets what is spoken as WAVs, or None.

  Raises:
    UserError: No clip has a transcript in the language.
  """
  chosen = choose(held_out, asked)
  rate = semantic.sample_rate
  batches = corpus.AudioBatches(
      training, rate, _CROP_SECONDS, _BATCH_SIZE, asked.seed
  )
  trained = speaking_probe.train(
      semantic, batches, asked.cpu_minutes, asked.seed
  )
  originals = [audio.read(clip.path, rate) for clip in chosen]
  spoken = speaking_probe.speak(trained, semantic, originals)
  if folder:
    for number, waveform in enumerate(spoken):
      audio.write(folder / f'{number}.wav', waveform, rate)
  sounds = {error_rates.ORIGINAL: originals, _SPOKEN: spoken}
  return error_rates.table(
      recogniser.whisper(1),
      {
          name: _as_heard(waveforms, chosen, rate, asked.language)
          for name, waveforms in sounds.items()
      },
      f'{len(chosen)} held-out clips of'
      f' {", ".join(sorted({clip.source for clip in chosen}))}. The decoder'
      f' learnt for {asked.cpu_minutes:g} CPU-minutes: {trained.steps} steps,'
      f' {trained.seconds / 3600:.2f} h, spectral loss {trained.loss:.3f}.',
      asked.seed,
  )


def choose(held_out: Sequence[Clip], asked: Asked) -> list[Clip]:
  """Clips whose words are known, of all speakers in turn; always the same.

  Raises:
    UserError: There are none.
  """
  found = probing.in_language(held_out, asked.language)
  if not found:
    raise UserError(
        f'No clip has a transcript in {asked.language!r}; give another'
        ' manifest, --split or --language.'
    )
  return clips.drawn_in_turn(found, asked.num_clips, asked.seed)


def _as_heard(
    waveforms: Sequence[Float[np.ndarray, ' _']],
    chosen: Sequence[Clip],
    sample_rate: int,
    language: str,
) -> list[Spoken]:
  return [
      Spoken(
          audio.Sound(waveform, sample_rate),
          clip.transcript,
          clip.speaker or clip.path,
          language,
      )
      for waveform, clip in zip(waveforms, chosen, strict=True)
  ]


def phones(
    semantic: SemanticTokenizer, labelled: Sequence[Clip], num_clips: int
) -> Table:
  """PNMI of the ids, and ABX of the vectors that stand for them."""
  chosen = clips.choose(labelled, num_clips)
  loaded = clips.load(
      chosen, semantic.sample_rate, _LABELLED_SECONDS, semantic.hop_length
  )
  found = clips.in_batches(
      'Semantic tokens', semantic.encode, loaded.waveforms, loaded.lengths
  )
  ids = loaded.frames(found, semantic.hop_length)
  seconds = semantic.hop_length / semantic.sample_rate
  intervals = [labels.read(clip.labels) for clip in chosen]
  spoken = [
      Speech(phones, clip.speaker or clip.source, clip.source)
      for phones, clip in zip(intervals, chosen, strict=True)
  ]
  vectors = [semantic.centroids[clip] for clip in ids]
  meant = tokens_meaning.meaning({'ids': FrameIds(ids, seconds)}, intervals)
  errors = tokens_meaning.abx_errors(
      {'ids': FrameFeatures(vectors, seconds)}, spoken
  )
  pnmi, abx = meant['ids'], errors['ids']
  return Table(
      'phones',
      'Do the ids tell phones apart?',
      'PNMI: the share of the uncertainty about a phone that its id removes'
      ' (more is better). ABX errors in per cent (fewer is better, 50 is'
      f' chance). {len(chosen)} clips.',
      ('rate', 'K', 'PNMI', 'by chance', 'ABX within', 'ABX across'),
      [
          [
              1 / seconds,
              semantic.codebook_size,
              pnmi.pnmi,
              pnmi.pnmi_chance,
              100 * abx.within,
              100 * abx.across,
          ]
      ],
  )
