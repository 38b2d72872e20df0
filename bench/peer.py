"""audiolm-pytorch's coarse stage, trained as its trainer does."""

import os
from collections.abc import Callable
from typing import NamedTuple
from unittest import mock

import torch
from audiolm_pytorch import (
    CoarseTransformer,
    CoarseTransformerWrapper,
    SoundStream,
    audiolm_pytorch,
)

from audiolm_jax.tokens.stages import Sizes


class Peer(NamedTuple):
  """A stage that trains.

  Attributes:
    step: Forward, backward and optimizer on a batch.
    num_parameters: All of them.
    num_tokens: Of a batch.
  """

  step: Callable[[], None]
  num_parameters: int
  num_tokens: int


class _NoCodec(SoundStream):
  """Is asked for, and not used where there are ids."""

  def __init__(self):
    torch.nn.Module.__init__(self)
    self.rq_groups = 1


def coarse(
    sizes: Sizes,
    semantic: int,
    acoustic: int,
    batch_size: int,
    dim: int,
    depth: int,
    heads: int,
) -> Peer:
  """Four coarse levels given so many semantic and acoustic frames."""
  torch.set_num_threads(len(os.sched_getaffinity(0)))
  # It asks a hub how wide a text encoder is that it does not use.
  with mock.patch.object(audiolm_pytorch, 'get_encoded_dim', lambda _: dim):
    transformer = CoarseTransformer(
        codebook_size=sizes.acoustic_codebook_size,
        num_coarse_quantizers=4,
        num_semantic_tokens=sizes.semantic_codebook_size,
        dim=dim,
        depth=depth,
        heads=heads,
        attn_dropout=0.1,
        ff_dropout=0.1,
    )
  # Its own defaults leave places of the past out at random, which costs time.
  model = CoarseTransformerWrapper(
      transformer=transformer,
      codec=_NoCodec(),
      unique_consecutive=False,
      mask_prob=0.0,
  )
  optimizer = torch.optim.Adam(transformer.parameters(), lr=1e-4)
  ids = {
      'semantic_token_ids': torch.randint(
          sizes.semantic_codebook_size, (batch_size, semantic)
      ),
      'coarse_token_ids': torch.randint(
          sizes.acoustic_codebook_size, (batch_size, acoustic, 4)
      ),
  }

  def step() -> None:
    loss = model(**ids, return_loss=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(transformer.parameters(), 0.5)
    optimizer.step()
    optimizer.zero_grad()

  step()
  num_parameters = sum(p.numel() for p in transformer.parameters())
  return Peer(step, num_parameters, batch_size * (semantic + 4 * acoustic))
