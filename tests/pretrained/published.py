"""Random models of `transformers`, in folders as they are published."""

import numpy as np
import torch
from transformers import set_seed

# Lengths of clips, in frames: one, two, some.
FRAMES = (1, 2, 9)


def randomize(model, seed=0):
  """Gives every weight something to say; codebooks and norms stay."""
  set_seed(seed)
  for name, tensor in model.named_parameters():
    with torch.no_grad():
      if tensor.ndim == 1:
        tensor += 0.2 * torch.randn_like(tensor)
      elif 'original0' in name:
        tensor *= torch.exp(0.3 * torch.randn_like(tensor))


def sounds(num_frames, hop_length, num_rows=1, seed=0):
  """Chirps in noise, 'B N'."""
  rng = np.random.default_rng(seed)
  shape = num_rows, num_frames * hop_length
  phases = rng.uniform(0.02, 0.3, (num_rows, 1)) * np.arange(shape[1])
  noise = 0.1 * rng.standard_normal(shape)
  return (0.5 * np.sin(phases**1.05) + noise).astype(np.float32)


def relative_error(found, wanted):
  """Largest difference as a part of the largest value."""
  return np.abs(found - wanted).max() / np.abs(wanted).max()
