"""Held-out clips beside what the codec and the models make of them."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.corpus import Clip
from audiolm_jax.evaluation.subjects import continuations
from audiolm_jax.evaluation.subjects.continuations import (
    Continued,
    Excerpt,
    Waveform,
)
from audiolm_jax.generation import chain
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.tokens.tokenizers.contract import Tokens

# Ways to go on from a prompt, as tables name them.
AUTOREGRESSIVE = 'AudioLM'
PARALLEL = 'SoundStorm'
ACOUSTIC_ONLY = 'acoustic-only'

_ACOUSTIC_GENERATION = 1  # Keys are folded with it.


class Asked(NamedTuple):
  """The number and the length of the continuations that are to be made.

  Attributes:
    num_prompts: Number of held-out clips.
    samples_per_prompt: Number of continuations of each, by each model.
    prompt_seconds: Length of what a model hears, in seconds.
    continuation_seconds: Length of what it adds, in seconds.
    batch_size: Number of continuations that are made at the same time.
    seed: Seed of the samples and of the intervals.
  """

  num_prompts: int
  samples_per_prompt: int
  prompt_seconds: float
  continuation_seconds: float
  batch_size: int
  seed: int


class Comparison(NamedTuple):
  """Excerpts and their continuations.

  Attributes:
    excerpts: Held-out clips, cut.
    made: Samples of each excerpt, by name of the model.
    sample_rate: Sample rate of all, Hz.
  """

  excerpts: Sequence[Excerpt]
  made: Mapping[str, Sequence[Sequence[Continued]]]
  sample_rate: int

  @property
  def groups(self) -> list[Hashable]:
    """Speaker or piece of each excerpt."""
    return [excerpt.group for excerpt in self.excerpts]

  def first(self, name: str) -> list[Waveform]:
    """One continuation of each excerpt."""
    return [samples[0].waveform for samples in self.made[name]]

  def all(self, name: str) -> list[tuple[Excerpt, Waveform]]:
    """Every continuation, with what it continues."""
    return [
        (excerpt, sample.waveform)
        for excerpt, samples in zip(self.excerpts, self.made[name], strict=True)
        for sample in samples
    ]


def models(bundle: Bundle, acoustic_only: Bundle | None) -> dict[str, AudioLM]:
  """All that can go on from a prompt, by name."""
  found = {}
  if {'semantic', 'coarse'} <= bundle.parts.keys():
    found[AUTOREGRESSIVE] = AudioLM(bundle, chain.autoregressive(bundle))
  if {'semantic', 'soundstorm'} <= bundle.parts.keys():
    found[PARALLEL] = AudioLM(bundle, chain.parallel(bundle))
  if acoustic_only:
    # Same codec, same fine stage, no semantic one (AudioLM s. IV-I).
    parts = bundle.parts | {
        'acoustic_only': acoustic_only.parts['acoustic_only']
    }
    joined = Bundle(parts, acoustic_only.where)
    found[ACOUSTIC_ONLY] = AudioLM(joined, chain.acoustic_only(joined))
  return found


def foremost(names: Iterable[str]) -> str:
  """The system that stands for a bundle: AudioLM's stages where it has them."""
  return AUTOREGRESSIVE if AUTOREGRESSIVE in names else PARALLEL


def compare(
    bundle: Bundle,
    lms: Mapping[str, AudioLM],
    clips: Sequence[Clip],
    asked: Asked,
) -> Comparison:
  """Cuts clips and has every model go on from their prompts.

  Raises:
    UserError: No clip is long enough.
  """
  seconds = asked.continuation_seconds
  chosen = continuations.choose(clips, asked.prompt_seconds, asked.num_prompts)
  excerpts = continuations.cut(bundle, chosen, asked.prompt_seconds, seconds)
  made = {
      name: continuations.make(
          lm,
          bundle.tokenizers,
          [excerpt.prompt for excerpt in excerpts],
          seconds,
          asked.samples_per_prompt,
          asked.batch_size,
          asked.seed,
      )
      for name, lm in lms.items()
  }
  return Comparison(excerpts, made, bundle.tokenizers.sample_rate)


def regenerate(
    lm: AudioLM, waveforms: Sequence[Waveform], batch_size: int, seed: int
) -> list[Waveform]:
  """Waveforms made anew of semantic tokens alone (AudioLM s. III-D, IV-C)."""
  root = jax.random.fold_in(jax.random.key(seed), _ACOUSTIC_GENERATION)
  keys = jax.vmap(jax.random.fold_in, (None, 0))(
      root, np.arange(len(waveforms))
  )
  made = []
  for start in range(0, len(waveforms), batch_size):
    rows = slice(start, start + batch_size)
    made += lm.acoustic_generation(waveforms[rows], keys[rows])
  return [generation.waveform for generation in made]


def tokens_of_rest(bundle: Bundle, found: Comparison) -> list[Tokens]:
  """The tokens of what excerpts truly go on with."""
  whole = [
      np.concatenate([excerpt.prompt, excerpt.rest])
      for excerpt in found.excerpts
  ]
  hop = bundle.tokenizers.hop_length
  heard = bundle.tokenizers.encode(
      [waveform[: len(waveform) // hop * hop] for waveform in whole]
  )
  return [
      Tokens(
          tokens.semantic[len(excerpt.prompt) // bundle.semantic.hop_length :],
          tokens.acoustic[len(excerpt.prompt) // bundle.acoustic.hop_length :],
      )
      for excerpt, tokens in zip(found.excerpts, heard, strict=True)
  ]
