"""Random models of `transformers`, and sounds for them."""

import dataclasses
import functools
import json

import jax
import numpy as np
import torch
import transformers

# Samples of clips by hops, and by what is missing to whole frames.
CLIPS = ((9, 0), (1, 3), (2, 0), (5, 1))


def randomize(model, seed=0):
  """Gives biases, norms and scales something to say."""
  transformers.set_seed(seed)
  for name, tensor in model.named_parameters():
    with torch.no_grad():
      if tensor.ndim == 1:
        tensor += 0.2 * torch.randn_like(tensor)
      elif 'original0' in name:
        tensor *= torch.exp(0.3 * torch.randn_like(tensor))


def sounds(num_samples, num_rows=1, seed=0):
  """Chirps in noise, 'B N'."""
  rng = np.random.default_rng(seed)
  phases = rng.uniform(0.02, 0.3, (num_rows, 1)) * np.arange(num_samples)
  noise = 0.1 * rng.standard_normal((num_rows, num_samples))
  return (0.5 * np.sin(phases**1.05) + noise).astype(np.float32)


def batch(hop_length):
  """Clips with zeros up to whole frames, and all in one array with lengths.

  Past the end of a clip the array is not silent.
  """
  num_rows, num_samples = len(CLIPS), CLIPS[0][0] * hop_length
  rows = sounds(num_samples, num_rows)
  lengths = np.array([frames * hop_length - less for frames, less in CLIPS])
  clips = []
  for row, length, (frames, _) in zip(rows, lengths, CLIPS, strict=True):
    clip = row[: frames * hop_length].copy()
    clip[length:] = 0.0
    clips.append(clip)
  return clips, rows, lengths


def rebuilt(model):
  """From JSON of its fields, lists as tuples."""
  fields = {
      field.name: getattr(model, field.name)
      for field in dataclasses.fields(model)
      if field.name not in ('parent', 'name')
  }
  fields = json.loads(json.dumps(fields))
  return type(model)(
      **{
          name: tuple(value) if isinstance(value, list) else value
          for name, value in fields.items()
      }
  )


def apply(model, method, params, *arrays):
  """What a method of a model makes of arrays."""
  with jax.default_matmul_precision('highest'):
    return np.asarray(_jitted(model, method)({'params': params}, *arrays))


@functools.cache
def _jitted(model, method):
  # Compiles in half the time.
  options = {'xla_backend_optimization_level': 0}
  method = functools.partial(model.apply, method=method)
  return jax.jit(method, compiler_options=options)


def relative_error(found, wanted):
  """Largest difference as a part of the largest value."""
  return np.abs(found - wanted).max() / np.abs(wanted).max()
