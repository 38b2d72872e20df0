r"""A bundle's SoundStorm for another codec: a start to learn its tokens from.

  python -m launch.rename_codes --model=speech --tokenizers=runs/tokenizers \
      --manifest=corpora/speech/manifest.jsonl --output_dir=runs/renamed

Both codecs encode the same clips; what SoundStorm knows of the old codes goes
to the new ones that stand in the same frames (audiolm_jax.soundstorm.renaming).
Train on from it with gin/finetune.gin on tokens of the new codec, whose frames,
levels and codes must be as many. The semantic tokens stay the same.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from absl import app, flags, logging
from jaxtyping import Float, Int

from audiolm_jax import audio, corpus, progress
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.parts import Part
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.soundstorm import renaming
from audiolm_jax.tokens.tokenizers.codec import CodecTokenizer

MODEL = flags.DEFINE_string(
    'model', None, 'The bundle with SoundStorm and its codec.', required=True
)
TOKENIZERS = flags.DEFINE_string(
    'tokenizers', None, 'A bundle with the new codec.', required=True
)
MANIFEST = flags.DEFINE_string(
    'manifest', None, 'Clips; those of train are used.', required=True
)
OUTPUT_DIR = flags.DEFINE_string(
    'output_dir', None, 'Folder that the bundle goes to.', required=True
)
HOURS = flags.DEFINE_float(
    'hours', 1.0, 'Most hours of clips that are encoded.'
)
BATCH_SIZE = flags.DEFINE_integer('batch_size', 8, 'Clips encoded together.')


def main(argv: Sequence[str]) -> None:
  del argv
  old, new = Bundle.load(MODEL.value), Bundle.load(TOKENIZERS.value)
  _check(old.acoustic, new.acoustic)
  size = new.acoustic.codebook_size
  part = old.parts['soundstorm']
  levels = part.config['num_quantizers']
  counts = sum(
      renaming.meetings(one[:, :levels], other[:, :levels], size)
      for one, other in _codes(old.acoustic, new.acoustic, _choose())
  )
  params = renaming.rename(part.arrays['params'], counts)
  renamed = {'soundstorm': Part(part.config, {'params': params})}
  Bundle(renamed, OUTPUT_DIR.value).save(
      OUTPUT_DIR.value,
      f"SoundStorm of {MODEL.value}, its codes renamed to another codec's.",
      float16=(),
  )
  logging.info('Wrote %s.', OUTPUT_DIR.value)


def _check(old: CodecTokenizer, new: CodecTokenizer) -> None:
  """Raises a UserError if codes of the two cannot meet in frames."""
  ours, theirs = (
      (codec.hop_length, codec.num_quantizers, codec.codebook_size)
      for codec in (old, new)
  )
  if ours != theirs:
    raise UserError(
        'Samples a frame, levels and codes must be the same; they are'
        f' {ours} and {theirs}.'
    )


def _choose() -> list[Clip]:
  """Clips of train in a random order, until there are enough hours."""
  clips = corpus.read_manifest(MANIFEST.value, 'train')
  order = np.random.default_rng(0).permutation(len(clips))
  before = np.cumsum([0.0, *(clips[i].seconds for i in order[:-1])])
  wanted = order[before < HOURS.value * 3600]
  # Neighbours in length are padded little.
  return sorted((clips[i] for i in wanted), key=lambda clip: clip.seconds)


def _codes(
    old: CodecTokenizer, new: CodecTokenizer, clips: Sequence[Clip]
) -> Iterator[tuple[Int[np.ndarray, 'T Q'], Int[np.ndarray, 'T Q']]]:
  """Yields the codes of each clip by the old codec and by the new one."""
  starts = range(0, len(clips), BATCH_SIZE.value)
  for start in progress.follow(starts, 'Encoding'):
    batch = clips[start : start + BATCH_SIZE.value]
    waveforms = [audio.read(clip.path, new.sample_rate) for clip in batch]
    # Whole seconds, so that few lengths are compiled.
    second = round(new.sample_rate / new.hop_length) * new.hop_length
    rows, lengths = _padded(waveforms, second)
    pairs = zip(
        old.encode(rows, lengths),
        new.encode(rows, lengths),
        lengths // new.hop_length,
        strict=True,
    )
    for one, other, num_frames in pairs:
      yield one[:num_frames], other[:num_frames]


def _padded(
    waveforms: Sequence[Float[np.ndarray, ' _']], multiple: int
) -> tuple[Float[np.ndarray, 'B N'], Int[np.ndarray, ' B']]:
  lengths = np.array([len(waveform) for waveform in waveforms], np.int32)
  longest = -(-lengths.max() // multiple) * multiple
  rows = np.zeros((len(waveforms), longest), np.float32)
  for row, waveform in zip(rows, waveforms, strict=True):
    row[: len(waveform)] = waveform
  return rows, lengths


if __name__ == '__main__':
  app.run(main)
