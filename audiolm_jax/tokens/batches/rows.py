"""From sequences to rows that a model reads: padded or packed. Pure NumPy."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int, Shaped

from audiolm_jax.tokens.fields import PAD


def pack(
    sequences: Sequence[Mapping[str, Int[np.ndarray, ' L']]], length: int
) -> list[dict[str, Int[np.ndarray, ' L']]]:
  """Rows of as many sequences as fit one behind the other, in their order.

  `segment_ids` then number the sequences of a row from 1.
  """
  rows: list[list[Mapping[str, np.ndarray]]] = []
  room = 0
  for sequence in map(_without_padding, sequences):
    size = len(sequence['targets'])
    if not rows or size > room:
      rows.append([])
      room = length
    rows[-1].append(sequence)
    room -= size
  return [_joined(row, length) for row in rows]


def _without_padding(
    sequence: Mapping[str, Int[np.ndarray, ' L']],
) -> dict[str, Int[np.ndarray, ' l']]:
  inside = sequence['segment_ids'] > 0
  return {name: values[inside] for name, values in sequence.items()}


def _joined(
    row: Sequence[Mapping[str, np.ndarray]], length: int
) -> dict[str, np.ndarray]:
  numbered = [
      {**sequence, 'segment_ids': np.full_like(sequence['targets'], number)}
      for number, sequence in enumerate(row, 1)
  ]
  return {
      name: _filled(np.concatenate([part[name] for part in numbered]), length)
      for name in row[0]
  }


def _filled(
    values: Int[np.ndarray, ' l'], length: int
) -> Int[np.ndarray, ' L']:
  return np.pad(values, (0, length - len(values)))


def padded(
    batch: Mapping[str, Int[np.ndarray, 'B L']],
) -> dict[str, Shaped[np.ndarray, 'B L']]:
  """Adds `inputs`, the targets moved one place to the right."""
  inputs = np.full_like(batch['targets'], PAD)
  inputs[:, 1:] = batch['targets'][:, :-1]
  weights = batch['loss_weights'].astype(np.float32)
  return {**batch, 'inputs': inputs, 'loss_weights': weights}


def packed(
    batch: Mapping[str, Int[np.ndarray, 'B L']],
) -> dict[str, Shaped[np.ndarray, 'B L']]:
  """The same; where a segment begins nothing is known of the one before."""
  found = padded(batch)
  segments = batch['segment_ids']
  begins = segments[:, 1:] != segments[:, :-1]
  found['inputs'][:, 1:][begins] = PAD
  return found
