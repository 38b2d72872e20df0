"""Labels of clips for a classifier, and the clips that it learns from."""

import collections
import zlib
from collections.abc import Sequence

from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError

# Labels of a detector, in the order of its classes.
ORIGINAL, GENERATED = 'original', 'generated'
# Music and noises: what a detector of speech has no verdict on.
OTHER = 'other'
# One in so many clips of a speaker is held out (AudioLM s. IV-D).
_HELD_OUT_EVERY = 10


def of_clip(clip: Clip, field: str) -> str:
  """The value of a clip's field, such as 'speaker' or 'origin'.

  Raises:
    UserError: The clip's manifest says nothing about the field.
  """
  label = getattr(clip, field)
  if label is None:
    raise UserError(
        f'{clip.path} has no {field} in its manifest, which a classifier'
        ' learns; add it or leave the clip out.'
    )
  return label


def speakers(clips: Sequence[Clip]) -> tuple[str, ...]:
  """The speakers, sorted."""
  return tuple(sorted({of_clip(clip, 'speaker') for clip in clips}))


def closed_set(clips: Sequence[Clip], held_out: bool) -> list[Clip]:
  """A tenth of each speaker's clips, or the others; splits are not looked at.

  AudioLM s. IV-D splits at random and has all speakers on both sides. Here the
  clips' names draw, so that no run hears what another one is tested with.
  """
  by_speaker = collections.defaultdict(list)
  for clip in sorted(clips, key=_draw):
    by_speaker[of_clip(clip, 'speaker')].append(clip)
  return [
      clip
      for theirs in by_speaker.values()
      for index, clip in enumerate(theirs)
      # The first of each, so that nobody with two clips is left out.
      if (index % _HELD_OUT_EVERY == 0 and len(theirs) > 1) == held_out
  ]


def _draw(clip: Clip) -> tuple[int, str]:
  name = '/'.join(clip.path.split('/')[-2:])
  return zlib.crc32(name.encode()), clip.path
