r"""Quality of a codec's piano, level by level: notes, and how they sound.

  python -m bench.played --model=runs/codec \
      --manifest=corpora/piano/manifest.jsonl

The model is a training run of a codec, or a bundle. Excerpts of held-out pieces
are copied through its first levels. A transcriber (basic-pitch) writes down
what it hears in original and copy: F1 of the struck keys, 1 if the copy has the
same ones. ViSQOL in its mode for music, 1 to 5; error of log-mel spectra in dB.
One JSON object a line.
"""

import json
from collections.abc import Sequence

import numpy as np
from absl import app, flags

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.listeners import basic_pitch, perceptual
from audiolm_jax.evaluation.metrics import fidelity, transcription
from audiolm_jax.evaluation.metrics.transcription import Transcribe
from audiolm_jax.evaluation.tables import Missing
from bench import copies, held_out
from bench.held_out import Waveforms

SECONDS = flags.DEFINE_float('seconds', 8.0, 'Length of the excerpts.')


def main(argv: Sequence[str]) -> None:
  del argv
  transcribe = basic_pitch.transcriber()
  if isinstance(transcribe, Missing):
    raise UserError(transcribe.why)
  codec = copies.load_codec(held_out.MODEL.value)
  clips = held_out.split()
  clips = sorted(clips, key=lambda clip: clip.path)
  every = -(-len(clips) // held_out.CLIPS.value)
  originals = [
      # From the middle: pieces begin and end in other ways than they go on.
      audio.read(
          clip.path,
          codec.sample_rate,
          max(clip.seconds - SECONDS.value, 0) / 2,
          SECONDS.value,
      )
      for clip in clips[::every]
  ]
  for level, copied in copies.copied(codec, originals):
    figures = _figures(transcribe, originals, copied, codec.sample_rate)
    print(json.dumps({'levels': level, 'clips': len(copied)} | figures))


def _figures(
    transcribe: Transcribe, originals: Waveforms, copied: Waveforms, rate: int
) -> dict[str, float]:
  """Means over the excerpts."""
  visqol = perceptual.visqol('audio')
  found = [
      (
          transcription.onset_f1(transcribe(x, rate), transcribe(y, rate)),
          visqol.measure(x, y, rate),
          fidelity.mel_distance(x, y, rate),
      )
      for x, y in zip(originals, copied, strict=True)
  ]
  means = np.nanmean(np.array(found, float), axis=0)
  names = ('note F1', 'ViSQOL', 'mel distance, dB')
  return {
      name: round(float(mean), 3)
      for name, mean in zip(names, means, strict=True)
  }


if __name__ == '__main__':
  app.run(main)
