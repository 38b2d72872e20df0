"""Voices that read: Kokoro's, and blends of two of them."""

import itertools
import random
from collections.abc import Iterator

from data.shipped import kokoro

# Drawn once from the pairs of training voices of one accent. A speaker encoder
# tells blends apart nearly as well as the voices themselves.
BLENDS = (
    'af_alloy+am_adam',
    'af_alloy+am_eric',
    'af_alloy+am_onyx',
    'af_aoede+af_river',
    'af_aoede+am_puck',
    'af_bella+am_echo',
    'af_heart+af_jessica',
    'af_heart+af_kore',
    'af_heart+af_sky',
    'af_heart+am_eric',
    'af_jessica+am_eric',
    'af_jessica+am_fenrir',
    'af_kore+af_river',
    'af_kore+af_sky',
    'af_kore+am_liam',
    'af_river+am_adam',
    'af_river+am_echo',
    'af_sky+am_echo',
    'af_sky+am_liam',
    'am_adam+am_liam',
    'am_echo+am_onyx',
    'am_liam+am_onyx',
    'bf_alice+bf_isabella',
    'bf_alice+bf_lily',
    'bf_alice+bm_lewis',
    'bf_isabella+bm_george',
    'bf_lily+bm_lewis',
    'bm_george+bm_lewis',
)
# Of voices that nobody hears in training; the first one decides on the accent.
TEST_BLENDS = (
    'af_nova+am_michael',
    'bf_emma+bm_fable',
    'af_nova+bf_emma',
    'am_michael+bm_fable',
)
TRAIN = (
    *(voice for voice in kokoro.VOICES if voice not in kokoro.SPLITS),
    *BLENDS,
)
HELD_OUT = (*kokoro.SPLITS, *TEST_BLENDS)
_HELD_OUT_EVERY = 4  # Rounds: all of them together get one clip in twenty.


def split(voice: str) -> str:
  """The split of all clips of a voice."""
  return kokoro.SPLITS.get(voice.split('+')[0], 'train')


def turns() -> Iterator[str]:
  """Yields the voice that reads the next clip, for ever."""
  for number in itertools.count():
    yield from TRAIN
    if number % _HELD_OUT_EVERY == 0:
      yield from HELD_OUT


def crowd() -> Iterator[str]:
  """Yields a new speaker for each clip: a blend of any two voices of training.

  Those of other languages are among them. After a thousand they come again.
  """
  known = [voice for voice in kokoro.VOICES if voice not in kokoro.SPLITS]
  pairs = list(itertools.combinations([*known, *kokoro.FOREIGN], 2))
  random.Random(0).shuffle(pairs)
  for pair in itertools.cycle(pairs):
    yield '+'.join(pair)
