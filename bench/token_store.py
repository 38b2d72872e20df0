"""A token store of random tokens at the paper's rates and sizes."""

from typing import Any

import numpy as np

from audiolm_jax.tokens import stages
from audiolm_jax.tokens.store import shards, store

SIZES = stages.AUDIOLM

_CLIPS = 64
_CLIP_SECONDS = 40


def write(folder: str) -> None:
  """Clips of random tokens, as `audiolm extract` writes them."""
  random = np.random.default_rng(0)

  def record(clip: int) -> store.Record:
    semantic = int(_CLIP_SECONDS * SIZES.semantic_rate)
    acoustic = int(_CLIP_SECONDS * SIZES.acoustic_rate), SIZES.num_quantizers
    return store.Record(
        id=f'{clip}.wav',
        semantic=random.integers(SIZES.semantic_codebook_size, size=semantic),
        acoustic=random.integers(SIZES.acoustic_codebook_size, size=acoustic),
        seconds=_CLIP_SECONDS,
        split='train',
        speaker='nobody',
    )

  shards.write(
      shards.path_of(folder, 'train', 0, 1), map(record, range(_CLIPS))
  )
  store.write_metadata(folder, _metadata())


def _metadata() -> store.Metadata:
  def tokenizer(rate: float, **sizes: int) -> dict[str, Any]:
    return {'fingerprint': 'random', 'hop_length': int(16000 / rate), **sizes}

  return store.Metadata(
      sample_rate=16000,
      tokenizers={
          'semantic': tokenizer(
              SIZES.semantic_rate, codebook_size=SIZES.semantic_codebook_size
          ),
          'acoustic': tokenizer(
              SIZES.acoustic_rate,
              codebook_size=SIZES.acoustic_codebook_size,
              num_quantizers=SIZES.num_quantizers,
          ),
      },
      splits={'train': {'clips': _CLIPS, 'seconds': _CLIPS * _CLIP_SECONDS}},
  )
