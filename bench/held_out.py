"""The held-out clips that benches of quality measure, and the flags of them."""

import pathlib
from collections.abc import Sequence

import numpy as np
from absl import flags
from jaxtyping import Float

from audiolm_jax import audio, corpus
from audiolm_jax.corpus import Clip
from audiolm_jax.evaluation.subjects import clips as subjects

MODEL = flags.DEFINE_string(
    'model',
    None,
    'Bundle, or a run of a codec.',
    required=True,
)
MANIFEST = flags.DEFINE_string(
    'manifest', None, 'Manifest of the clips.', required=True
)
SPLIT = flags.DEFINE_string('split', 'test', 'Split of the clips.')
SOURCE = flags.DEFINE_string('source', 'kokoro', 'Source of the clips.')
LANGUAGE = flags.DEFINE_string('language', 'en', 'Language of the clips.')
CLIPS = flags.DEFINE_integer(
    'clips', 12, 'Number of clips, shared by all speakers.'
)
OUT = flags.DEFINE_string('out', None, 'A folder that gets what is heard.')

Waveforms = Sequence[Float[np.ndarray, ' _']]


def split() -> list[Clip]:
  """All clips of the split."""
  return corpus.read_manifest(MANIFEST.value, SPLIT.value)


def clips() -> list[Clip]:
  """Clips with transcripts, of all speakers in turn; the same in every run."""
  wanted = [
      clip
      for clip in split()
      if (clip.source, clip.language) == (SOURCE.value, LANGUAGE.value)
      and clip.transcript
  ]
  return subjects.drawn_in_turn(wanted, CLIPS.value, 0)


def recordings(clips: Sequence[Clip], sample_rate: int) -> Waveforms:
  """Waveforms of the clips at a sample rate."""
  return [audio.read(clip.path, sample_rate) for clip in clips]


def save(
    name: str, clips: Sequence[Clip], waveforms: Waveforms, sample_rate: int
) -> None:
  """Writes what was made of the clips, if --out names a folder."""
  if not OUT.value:
    return
  folder = pathlib.Path(OUT.value, name)
  folder.mkdir(parents=True, exist_ok=True)
  for clip, waveform in zip(clips, waveforms, strict=True):
    file = pathlib.Path(clip.path).stem + '.wav'
    audio.write(folder / file, waveform, sample_rate)
