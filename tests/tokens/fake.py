"""Tokenizers without a model, and a corpus for them."""

import dataclasses
import pathlib
import sys
import time

import numpy as np

from audiolm_jax import audio
from audiolm_jax.corpus import Clip
from audiolm_jax.tokens.tokenizers.contract import Context, Tokenizers

SAMPLE_RATE = 8000


@dataclasses.dataclass
class FakeSemantic:
  """Ids that follow the sign and size of each frame's mean."""

  sample_rate: int = SAMPLE_RATE
  hop_length: int = 320
  codebook_size: int = 16
  fingerprint: str = 'semantic0000'
  seconds_a_batch: float = 0.0

  def encode(self, waveform, lengths):
    time.sleep(self.seconds_a_batch)
    return _digits(waveform, self.hop_length, 16, num_levels=1)[..., 0]


@dataclasses.dataclass
class FakeAcoustic:
  """Base-8 digits of each frame's mean."""

  sample_rate: int = SAMPLE_RATE
  hop_length: int = 160
  num_quantizers: int = 3
  codebook_size: int = 8
  context: Context = Context(0, 0)
  fingerprint: str = 'acoustic0000'

  def encode(self, waveform, lengths):
    return _digits(waveform, self.hop_length, 8, self.num_quantizers)

  def decode(self, codes):
    levels = 8.0 ** -np.arange(1, codes.shape[-1] + 1)
    return np.repeat((codes * levels).sum(axis=-1) - 0.5, self.hop_length, 1)


def _digits(waveform, hop_length, base, num_levels):
  means = waveform.reshape(len(waveform), -1, hop_length).mean(axis=-1)
  scaled = (means.clip(-0.49, 0.49) + 0.5)[..., None]
  scaled = scaled * float(base) ** np.arange(1, num_levels + 1)
  return scaled.astype(np.int32) % base


def tokenizers() -> Tokenizers:
  """A pair for 8 kHz, semantic frames of 40 ms."""
  return Tokenizers(FakeSemantic(), FakeAcoustic())


def slow_tokenizers() -> Tokenizers:
  """The same tokens, a tenth of a second a batch."""
  return Tokenizers(FakeSemantic(seconds_a_batch=0.1), FakeAcoustic())


def write_clips(folder: pathlib.Path, num_clips: int) -> list[Clip]:
  """Writes clips of half a second or less, one in four for 'dev'."""
  clips = []
  for i in range(num_clips):
    path = folder / f'{i % 3}' / f'{i}.wav'
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(i)
    steps = np.repeat(random.uniform(-0.4, 0.4, size=25), 160)
    waveform = steps[: 1000 + 700 * (i % 5)].astype(np.float32)
    audio.write(path, waveform, SAMPLE_RATE)
    clips.append(
        Clip(
            path=str(path),
            seconds=len(waveform) / SAMPLE_RATE,
            split='dev' if i % 4 == 0 else 'train',
            source='steps',
            licence='CC0',
            speaker=f'speaker {i % 3}',
        )
    )
  return clips


if __name__ == '__main__':
  # Run by a test that kills it: python -m tests.tokens.fake MANIFEST OUTPUT.
  from audiolm_jax import corpus
  from audiolm_jax.tokens.extraction import pipeline

  pipeline.extract(
      corpus.read_manifest(sys.argv[1]),
      slow_tokenizers,
      sys.argv[2],
      num_shards=12,
      batch_size=2,
  )
