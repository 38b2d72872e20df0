"""Fingerprints: what makes tokens, in 12 hex digits."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from flax import linen as nn
from flax import traverse_util
from jaxtyping import PyTree

from audiolm_jax.training.state import sizes


def settings_of(model: nn.Module) -> dict[str, Any]:
  """Fields that are not at their defaults: new ones change no fingerprint."""
  defaults = {field.name: field.default for field in dataclasses.fields(model)}
  return {
      name: value
      for name, value in sizes(model).items()
      if isinstance(value, (list, tuple)) or value != defaults[name]
  }


def fingerprint(settings: Mapping[str, Any], arrays: Sequence[PyTree]) -> str:
  """12 hex digits of settings and weights."""
  digest = hashlib.sha256()
  digest.update(json.dumps(settings, sort_keys=True).encode())
  parts = dict(enumerate(arrays))
  leaves = traverse_util.flatten_dict(jax.device_get(parts))
  for path in sorted(leaves, key=str):
    leaf = np.ascontiguousarray(leaves[path])
    digest.update(f'{path} {leaf.dtype} {leaf.shape}'.encode())
    digest.update(leaf.tobytes())
  return digest.hexdigest()[:12]
