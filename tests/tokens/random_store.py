"""Token stores of random tokens, without audio or models."""

import numpy as np

from audiolm_jax.tokens.stages import Sizes
from audiolm_jax.tokens.store import shards, store

SIZES = Sizes(
    semantic_codebook_size=6, acoustic_codebook_size=9, num_quantizers=4
)
FINGERPRINTS = {'semantic': 'aaaaaaaaaaaa', 'acoustic': 'bbbbbbbbbbbb'}


def metadata(splits: dict[str, list[int]]) -> store.Metadata:
  """Of clips with these numbers of semantic frames."""
  return store.Metadata(
      sample_rate=16000,
      tokenizers={
          'semantic': {
              'fingerprint': FINGERPRINTS['semantic'],
              'hop_length': 640,
              'codebook_size': SIZES.semantic_codebook_size,
          },
          'acoustic': {
              'fingerprint': FINGERPRINTS['acoustic'],
              'hop_length': 320,
              'codebook_size': SIZES.acoustic_codebook_size,
              'num_quantizers': SIZES.num_quantizers,
          },
      },
      splits={
          split: {'clips': len(lengths), 'seconds': sum(lengths) / 25}
          for split, lengths in splits.items()
      },
  )


def record(clip: int, num_frames: int, split: str) -> store.Record:
  """Random tokens of a clip of so many semantic frames."""
  random = np.random.default_rng(clip)
  return store.Record(
      id=f'{clip}.wav',
      semantic=random.integers(6, size=num_frames),
      acoustic=random.integers(9, size=(2 * num_frames, 4)),
      seconds=num_frames / 25,
      split=split,
      speaker='nobody',
  )


def write(
    folder, splits: dict[str, list[int]], num_shards: int = 4
) -> dict[str, list[store.Record]]:
  """Writes a store with clips of these numbers of semantic frames."""
  written = {}
  for split, lengths in splits.items():
    records = [record(i, length, split) for i, length in enumerate(lengths)]
    for shard in range(num_shards):
      path = shards.path_of(str(folder), split, shard, num_shards)
      shards.write(path, records[shard::num_shards])
    written[split] = records
  store.write_metadata(str(folder), metadata(splits))
  return written
