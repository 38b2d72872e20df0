r"""Quality of a codec's speech, level by level: words, voice, naturalness.

  python -m bench.copies --model=runs/codec \
      --manifest=corpora/speech/manifest.jsonl

The model is a training run of a codec, or a bundle. Held-out clips are copied
through its first levels, and put through a recogniser (WER, CER), PESQ, ViSQOL,
DNSMOS and a speaker encoder (cosine of copy and original); the originals stand
in the first row. One JSON object a line.
"""

import json
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
from absl import app, flags

from audiolm_jax import audio
from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.corpus import Clip
from audiolm_jax.evaluation.listeners import (
    naturalness,
    perceptual,
    recogniser,
    speaker_encoder,
)
from audiolm_jax.evaluation.metrics import fidelity
from audiolm_jax.evaluation.metrics.reconstruction import levels_to_keep
from audiolm_jax.evaluation.sections import error_rates
from audiolm_jax.tokens.tokenizers.codec import CodecTokenizer
from audiolm_jax.training.checkpoints import loading
from bench import held_out
from bench.held_out import Waveforms

LEVELS = flags.DEFINE_list(
    'levels',
    [],
    'Numbers of quantizer levels that are measured; all by default.',
)
QUICK = flags.DEFINE_bool(
    'quick', False, 'Whether words and PESQ alone are measured.'
)


def main(argv: Sequence[str]) -> None:
  del argv
  codec = load_codec(held_out.MODEL.value)
  rate = codec.sample_rate
  clips = held_out.clips()
  originals = held_out.recordings(clips, rate)
  report('original', clips, originals, originals, rate)
  for level, copies in copied(codec, originals):
    report(f'{level} levels', clips, originals, copies, rate)
    held_out.save(f'{level}', clips, copies, rate)


def load_codec(path: str) -> CodecTokenizer:
  """The codec of a bundle, or of a training run's newest checkpoint."""
  if not pathlib.Path(path, 'checkpoints').is_dir():
    return Bundle.load(path).acoustic
  name, part = parts.from_checkpoint(loading.load_params(path))
  return Bundle({name: part}, path).acoustic


def copied(
    codec: CodecTokenizer, originals: Waveforms
) -> Iterator[tuple[int, Waveforms]]:
  """Copies of all clips by each number of levels."""
  levels = [int(level) for level in LEVELS.value]
  codes = [
      codec.encode(
          audio.pad_to_multiple(clip, codec.hop_length)[None],
          np.array([len(clip)]),
      )
      for clip in originals
  ]
  for level in levels or levels_to_keep(codec.num_quantizers):
    copies = [codec.decode(each[..., :level])[0] for each in codes]
    yield level, [
        copy[: len(clip)] for copy, clip in zip(copies, originals, strict=True)
    ]


def report(
    name: str,
    clips: Sequence[Clip],
    originals: Waveforms,
    copies: Waveforms,
    rate: int,
) -> None:
  """Prints all figures of one number of levels; `rate` is that of all."""
  recognise = recogniser.whisper(1)
  errors = [
      error_rates.errors(
          clip.transcript,
          recognise(audio.Sound(copy, rate), held_out.LANGUAGE.value),
          held_out.LANGUAGE.value,
      )
      for clip, copy in zip(clips, copies, strict=True)
  ]
  words, num_words = (
      sum(getattr(each, key) for each in errors)
      for key in ('words', 'num_words')
  )
  letters, num_letters = (
      sum(getattr(each, key) for each in errors)
      for key in ('characters', 'num_characters')
  )
  figures = {'WER': 100 * words / num_words, 'CER': 100 * letters / num_letters}
  for metric in metrics():
    values = [
        metric.measure(*pair, rate)
        for pair in zip(originals, copies, strict=True)
    ]
    figures[metric.name] = float(np.nanmean(values))
  rounded = {key: round(value, 3) for key, value in figures.items()}
  print(json.dumps({'copy': name, 'clips': len(clips), **rounded}), flush=True)


def metrics() -> list[fidelity.Metric]:
  """All that is measured beside the words."""
  if QUICK.value:
    return [perceptual.pesq()]
  predict_mos, encode = naturalness.dnsmos(), speaker_encoder.resemblyzer()
  found = [perceptual.pesq(), perceptual.visqol('speech')]
  if callable(predict_mos):
    found.append(
        fidelity.Metric(
            'dnsmos', 'MOS', True, lambda _, y, rate: predict_mos(y, rate)
        )
    )
  if callable(encode):
    found.append(
        fidelity.Metric(
            'speaker',
            '',
            True,
            lambda x, y, rate: float(
                encode(audio.Sound(x, rate)) @ encode(audio.Sound(y, rate))
            ),
        )
    )
  return found


if __name__ == '__main__':
  app.run(main)
