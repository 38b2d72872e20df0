"""Work of a language model in a step of training: a batch and its FLOPs."""

import numpy as np

from audiolm_jax.lm.transformer import Transformer


def noise(shape: tuple[int, int], vocab_size: int) -> dict[str, np.ndarray]:
  """A batch to train on; the speed does not depend on what is said."""
  ids = np.random.default_rng(0).integers(2, vocab_size, shape, np.int32)
  return {
      'inputs': ids,
      'targets': ids,
      'segment_ids': np.ones_like(ids),
      'loss_weights': np.ones(shape, np.float32),
      'positions': np.arange(shape[1], dtype=np.int32),
  }


def train_flops(
    model: Transformer, num_params: int, shape: tuple[int, int]
) -> float:
  """FLOPs of forward and backward products, of attention the causal half."""
  rows, length = shape
  weights = 6 * num_params * rows * length
  width = model.num_heads * model.head_dim
  return weights + 12 * model.num_layers * rows * length**2 * width / 2
