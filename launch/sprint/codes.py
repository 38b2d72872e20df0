"""Tokens in as many bits as they need, with NumPy alone."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.layout import Codes
from audiolm_jax.tokens.stages import Sizes

# Recordings that are packed together, so that their bits need little memory.
_TOGETHER = 64


class Packed(NamedTuple):
  """Recordings one after the other.

  Attributes:
    arrays: 'semantic' and 'acoustic' bits, and 'frames' of both, 'n 2'.
    sizes: Sizes of the tokenizers.
  """

  arrays: Mapping[str, np.ndarray]
  sizes: Sizes


def num_bits(codebook_size: int) -> int:
  """Bits that a code needs."""
  return max(codebook_size - 1, 1).bit_length()


def cost(codes: Codes, sizes: Sizes) -> int:
  """Bytes of a recording, at most."""
  bits = zip((SEMANTIC, ACOUSTIC), _bits(sizes), strict=True)
  return sum(-(-codes[source].size * n // 8) for source, n in bits) + 16


def pack(recordings: Sequence[Codes], sizes: Sizes) -> Packed:
  """Puts the codes of both sources, 'T 1' and 'T Q', side by side."""
  frames = [[len(r[SEMANTIC]), len(r[ACOUSTIC])] for r in recordings]
  arrays = {'frames': np.array(frames, np.int32).reshape(-1, 2)}
  for source, bits in zip((SEMANTIC, ACOUSTIC), _bits(sizes), strict=True):
    pieces = [
        _to_bits([r[source] for r in recordings[i : i + _TOGETHER]], bits)
        for i in range(0, len(recordings), _TOGETHER)
    ]
    arrays[source] = np.packbits(np.concatenate(pieces))
  return Packed(arrays, sizes)


def unpack(packed: Packed) -> list[Codes]:
  """The recordings of `pack`, as int32."""
  columns = []
  levels = (1, packed.sizes.num_quantizers)
  for source, bits, width, frames in zip(
      (SEMANTIC, ACOUSTIC),
      _bits(packed.sizes),
      levels,
      packed.arrays['frames'].T,
      strict=True,
  ):
    codes = _from_bits(packed.arrays[source], bits, frames.sum() * width)
    pieces = np.split(codes.reshape(-1, width), np.cumsum(frames)[:-1])
    columns.append(pieces)
  return [
      {SEMANTIC: semantic, ACOUSTIC: acoustic}
      for semantic, acoustic in zip(*columns, strict=True)
  ]


def _bits(sizes: Sizes) -> tuple[int, int]:
  return (
      num_bits(sizes.semantic_codebook_size),
      num_bits(sizes.acoustic_codebook_size),
  )


def _to_bits(
    codes: Sequence[Int[np.ndarray, '_ _']], bits: int
) -> UInt8[np.ndarray, ' N']:
  values = np.concatenate([x.reshape(-1) for x in codes])[:, None]
  return ((values >> np.arange(bits)) & 1).astype(np.uint8).reshape(-1)


def _from_bits(
    data: UInt8[np.ndarray, ' _'], bits: int, count: int
) -> Int[np.ndarray, ' N']:
  rows = np.unpackbits(data, count=count * bits).reshape(count, bits)
  codes = np.zeros(count, np.int32)
  for bit, row in enumerate(rows.T):
    codes |= row.astype(np.int32) << bit
  return codes
