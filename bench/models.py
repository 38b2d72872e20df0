"""The stages at a size that flags give, ours and audiolm-pytorch's."""

import importlib
import json
from types import ModuleType
from typing import Any

from absl import flags

from audiolm_jax.errors import UserError
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens import stages

STAGES = ('semantic', 'coarse', 'fine')

NUM_LAYERS = flags.DEFINE_integer('num_layers', 6, 'Number of layers.')
EMBED_DIM = flags.DEFINE_integer('embed_dim', 512, 'Width of the layers.')
NUM_HEADS = flags.DEFINE_integer(
    'num_heads', 8, 'Number of heads, of width 64.'
)
MLP_DIM = flags.DEFINE_integer(
    'mlp_dim', None, "Of our MLP; as wide as audiolm-pytorch's if not given."
)
PEER = flags.DEFINE_bool(
    'peer', False, "Whether audiolm-pytorch's stages are timed as well."
)


def transformer(stage: stages.Stage, **options: Any) -> Transformer:
  """Ours."""
  return Transformer(
      vocab_size=stages.vocab_size(stage),
      num_layers=NUM_LAYERS.value,
      embed_dim=EMBED_DIM.value,
      num_heads=NUM_HEADS.value,
      head_dim=64,
      mlp_dim=MLP_DIM.value or int(EMBED_DIM.value * 8 / 3),
      **options,
  )


def import_peer(name: str) -> ModuleType:
  """A module of this folder that needs audiolm-pytorch.

  Raises:
    UserError: The module, or a package that it needs, is not installed.
  """
  try:
    return importlib.import_module(f'bench.{name}')
  except ImportError as error:
    raise UserError(
        f'--peer needs {error.name}; bench/peer.py says how to install it.'
    ) from error


def peer_shape() -> dict[str, int]:
  """The size of theirs."""
  return {
      'dim': EMBED_DIM.value,
      'depth': NUM_LAYERS.value,
      'heads': NUM_HEADS.value,
  }


def print_line(found: dict[str, Any]) -> None:
  """Prints the findings as a line of JSON, with four digits."""
  rounded = {
      key: float(f'{value:.4g}') if isinstance(value, float) else value
      for key, value in found.items()
  }
  print(json.dumps(rounded), flush=True)
