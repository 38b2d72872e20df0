"""audiolm-pytorch's coarse stage, trained as its trainer does."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from audiolm_jax.tokens.stages import Sizes
from bench import peer


class Trained(NamedTuple):
  """A stage that trains.

  Attributes:
    step: Forward, backward and optimizer on a batch.
    num_parameters: All of them.
    num_tokens: Tokens of a batch.
  """

  step: Callable[[], None]
  num_parameters: int
  num_tokens: int


def coarse(
    sizes: Sizes, shape: dict[str, int], frames: dict[str, int], batch_size: int
) -> Trained:
  """Four coarse levels given so many semantic and acoustic frames."""
  options = shape | {'attn_dropout': 0.1, 'ff_dropout': 0.1}
  model = peer.build('coarse', sizes, options)
  optimizer = torch.optim.Adam(model.transformer.parameters(), lr=1e-4)
  ids = {
      'semantic_token_ids': torch.randint(
          sizes.semantic_codebook_size, (batch_size, frames['semantic'])
      ),
      'coarse_token_ids': torch.randint(
          sizes.acoustic_codebook_size,
          (batch_size, frames['acoustic'], peer.NUM_COARSE),
      ),
  }

  def step() -> None:
    loss = model(**ids, return_loss=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.transformer.parameters(), 0.5)
    optimizer.step()
    optimizer.zero_grad()

  step()
  num_parameters = sum(p.numel() for p in model.transformer.parameters())
  num_tokens = sum(array.numel() for array in ids.values())
  return Trained(step, num_parameters, num_tokens)
