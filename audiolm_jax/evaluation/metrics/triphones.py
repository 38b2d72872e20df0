"""Triphones as ABX compares them: who says which phone in which context."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax.evaluation.metrics.labels import Interval

# Times that one speaker's triphone counts, as in Libri-Light's script.
MAX_TOKENS = 10
# Neighbouring phones may be annotated with a gap of a few samples.
_MAX_GAP_SECONDS = 0.011


class Speech(NamedTuple):
  """The annotation of a clip.

  Attributes:
    intervals: Its phones.
    speaker: Name of the speaker.
    source: Source of the phone labels; those of two sources do not compare.
  """

  intervals: Sequence[Interval]
  speaker: str
  source: str = ''


class Triphone(NamedTuple):
  """Three phones of a clip, from the first's start to the last's end."""

  clip: int
  start_seconds: float
  end_seconds: float
  phone: str
  context: tuple[str, str, str]
  speaker: str


class Group(NamedTuple):
  """Triphones that share a context and differ in phone or speaker.

  Attributes:
    phones: The middle phone of each.
    speakers: The speaker of each.
    segments: The frames of each.
  """

  phones: np.ndarray
  speakers: np.ndarray
  segments: list[Float[np.ndarray, '_ D']]


def of_clip(speech: Speech, clip: int) -> list[Triphone]:
  """All triphones of one clip."""
  phones = speech.intervals
  triples = zip(phones, phones[1:], phones[2:], strict=False)
  return [
      Triphone(
          clip,
          before.start_seconds,
          after.end_seconds,
          middle.label,
          (speech.source, before.label, after.label),
          speech.speaker,
      )
      for before, middle, after in triples
      if _touch(before, middle) and _touch(middle, after)
  ]


def groups(
    features: Sequence[Float[np.ndarray, '_ D']],
    found: Sequence[Triphone],
    frames_per_second: float,
    seed: int,
) -> Iterator[Group]:
  """Groups in which something can be compared; large ones are sub-sampled.

  Args:
    features: Frames of each clip, of unit length; `Triphone.clip` is an index.
    found: The triphones.
    frames_per_second: Frame rate of `features`.
    seed: Seed of the sub-sampling.
  """
  random = np.random.default_rng(seed)
  by_context: dict[tuple, list[tuple[Triphone, np.ndarray]]] = {}
  for token in found:
    segment = _segment(features[token.clip], token, frames_per_second)
    if len(segment):
      by_context.setdefault(token.context, []).append((token, segment))
  for members in by_context.values():
    phones = {token.phone for token, _ in members}
    if 1 < len(phones) < len(members):
      yield _group(members, random)


def _group(
    members: list[tuple[Triphone, np.ndarray]], random: np.random.Generator
) -> Group:
  alike: dict[tuple[str, str], list[int]] = {}
  for place, (token, _) in enumerate(members):
    alike.setdefault((token.speaker, token.phone), []).append(place)
  places = []
  for _, some in sorted(alike.items()):
    if len(some) > MAX_TOKENS:
      some = random.choice(some, MAX_TOKENS, replace=False)
    places.extend(some)
  chosen = [members[place] for place in places]
  return Group(
      np.array([token.phone for token, _ in chosen]),
      np.array([token.speaker for token, _ in chosen]),
      [segment for _, segment in chosen],
  )


def _touch(first: Interval, second: Interval) -> bool:
  return abs(second.start_seconds - first.end_seconds) <= _MAX_GAP_SECONDS


def _segment(
    frames: Float[np.ndarray, 'T D'], token: Triphone, rate: float
) -> Float[np.ndarray, 'L D']:
  first = max(0, int(np.ceil(rate * token.start_seconds - 0.5)))
  last = int(np.floor(rate * token.end_seconds - 0.5))
  return frames[first : max(first, last)]
