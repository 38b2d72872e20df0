"""stage.json, which says whose tokens a t5x run learnt, and how laid out.

t5x's checkpoints hold weights alone. `tasks.register` writes this file into
MODEL_DIR, beside them, so that a run can be imported from its folder alone.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

from audiolm_jax import described
from audiolm_jax.bundle import configs
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.layout import Stage

NAME = 'stage.json'
_KEYS = {'stage', 'crop_seconds', 'tokenizers'}


def contents(
    stage: Stage, crop_seconds: float, tokenizers: Mapping[str, str]
) -> dict[str, Any]:
  """The contents of the file.

  Args:
    stage: The layout of the sequences.
    crop_seconds: Length of the crops.
    tokenizers: Fingerprints of the tokenizers, by source.
  """
  return {
      'stage': stage.to_config(),
      'crop_seconds': crop_seconds,
      'tokenizers': dict(tokenizers),
  }


def read(checkpoint: pathlib.Path) -> dict[str, Any]:
  """The settings beside a checkpoint: in its folder, or the one above.

  Raises:
    UserError: There is no such file, or it is damaged.
  """
  places = [checkpoint / NAME, checkpoint.parent / NAME]
  path = next((place for place in places if place.is_file()), None)
  if path is None:
    raise UserError(
        f'{checkpoint.parent} has no {NAME}, which says what the run learnt;'
        ' copy it from the MODEL_DIR of the run (gin/t5x.gin writes it there).'
    )
  mend = 'copy it again from the MODEL_DIR of the run.'
  said = described.read(path.read_bytes(), str(path), mend)
  if said.keys() != _KEYS:
    raise UserError(
        f'{path} is damaged: it says {sorted(said)}, not {sorted(_KEYS)};'
        f' {mend}'
    )
  configs.check_beside({'kind': 'language_model', **said}, str(path))
  return said
