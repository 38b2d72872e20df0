"""Continuations of held-out clips, beside what the clips go on with."""

import time
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from audiolm_jax import progress
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.subjects import clips
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.generation.generations import Generation
from audiolm_jax.tokens.tokenizers.contract import Tokenizers

Waveform = Float[np.ndarray, ' _']

# Seconds of the true continuation; less is too short to compare with.
_MIN_REST_SECONDS = 1.0


class Excerpt(NamedTuple):
  """A held-out clip, cut where a model shall go on.

  Attributes:
    clip: Clip that it is cut from.
    prompt: Its beginning.
    rest: True rest of the clip; as long as a continuation, or shorter.
    codec: Rest as the codec has it, which is what a model can reach.
  """

  clip: Clip
  prompt: Waveform
  rest: Waveform
  codec: Waveform

  @property
  def group(self) -> Hashable:
    """The speaker or the piece, the unit that intervals are drawn over."""
    return self.clip.speaker or self.clip.piece or self.clip.path


class Continued(NamedTuple):
  """A model's continuation of an excerpt's prompt.

  Attributes:
    waveform: The continuation, without the prompt.
    semantic: Its semantic ids; without repeats if the stage drops them.
    acoustic: Its codes.
    is_first: Whether it is of the first batch, which had to be compiled.
    seconds: Seconds of computing, its share of the batch.
  """

  waveform: Waveform
  semantic: Int[np.ndarray, ' S']
  acoustic: Int[np.ndarray, 'T Q']
  is_first: bool
  seconds: float


def choose(
    found: Sequence[Clip], prompt_seconds: float, count: int
) -> list[Clip]:
  """At most `count` clips that go on behind the prompt, speakers in turn.

  Raises:
    UserError: No clip is long enough.
  """
  shortest = prompt_seconds + _MIN_REST_SECONDS
  long_enough = [clip for clip in found if clip.seconds >= shortest]
  if not long_enough:
    raise UserError(
        f'None of {len(found)} clips lasts {shortest:g} s: a prompt, and a'
        ' second to compare with. Give a shorter --prompt_seconds.'
    )
  return clips.in_turn(long_enough, count)


def cut(
    bundle: Bundle,
    chosen: Sequence[Clip],
    prompt_seconds: float,
    seconds: float,
) -> list[Excerpt]:
  """Reads clips, cuts them behind the prompt, and passes them by the codec."""
  codec = bundle.acoustic
  hop = bundle.tokenizers.hop_length
  loaded = clips.load(chosen, codec.sample_rate, prompt_seconds + seconds, hop)
  codes = clips.in_batches(
      'Codes', codec.encode, loaded.waveforms, loaded.lengths
  )
  decoded = clips.in_batches('Decoding', codec.decode, codes)
  place = int(prompt_seconds * codec.sample_rate) // hop * hop
  rows = zip(loaded.clips, loaded.trimmed(), decoded, strict=True)
  return [
      Excerpt(
          clip, waveform[:place], waveform[place:], row[place : len(waveform)]
      )
      for clip, waveform, row in rows
  ]


def make(
    lm: AudioLM,
    tokenizers: Tokenizers,
    prompts: Sequence[Waveform],
    seconds: float,
    num_samples: int,
    batch_size: int,
    seed: int,
) -> list[list[Continued]]:
  """Continues every prompt `num_samples` times.

  A sample depends on the seed, its prompt's place and its own number only.
  """
  jobs = [(i, n) for i in range(len(prompts)) for n in range(num_samples)]
  batches = [
      jobs[start : start + batch_size]
      for start in range(0, len(jobs), batch_size)
  ]
  made: list[list[Continued]] = [[] for _ in prompts]
  for number, batch in enumerate(progress.follow(batches, 'Continuations')):
    rows = _batch(lm, [prompts[i] for i, _ in batch], batch, seconds, seed)
    for (i, _), (generation, took) in zip(batch, rows, strict=True):
      own = generation.prompt_samples
      made[i].append(
          Continued(
              generation.waveform[own:],
              generation.tokens.semantic[
                  own // tokenizers.semantic.hop_length :
              ],
              generation.tokens.acoustic[
                  own // tokenizers.acoustic.hop_length :
              ],
              number == 0,
              took,
          )
      )
  return made


def _batch(
    lm: AudioLM,
    prompts: Sequence[Waveform],
    jobs: Sequence[tuple[int, int]],
    seconds: float,
    seed: int,
) -> list[tuple[Generation, float]]:
  """Generations of one batch, each with its share of the time."""
  root = jax.random.key(seed)
  keys = jax.numpy.stack(
      [
          jax.random.fold_in(jax.random.fold_in(root, place), number)
          for place, number in jobs
      ]
  )
  start = time.perf_counter()
  made = lm.continuation(prompts, seconds, keys)
  took = (time.perf_counter() - start) / len(made)
  return [(generation, took) for generation in made]
