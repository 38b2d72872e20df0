"""audiolm-pytorch's stages, trained and sampled as its users do.

  pip install --no-deps audiolm-pytorch==2.4.0 encodec && pip install \
      accelerate ema-pytorch gateloop-transformer local-attention \
      pytorch-warmup vector-quantize-pytorch wandb  # after `make test`

It imports fairseq, which fails on Python 3.11, and torchaudio, which has to be
built for the torch at hand. Both read audio and checkpoints, of which there are
none here; it gets empty modules in their place.
"""

import importlib.machinery
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest import mock

import torch

from audiolm_jax.tokens.stages import Sizes
from bench import timing

for _name in (
    'fairseq',
    'torchaudio',
    'torchaudio.functional',
    'torchaudio.transforms',
):
  _spec = importlib.machinery.ModuleSpec(_name, None)
  sys.modules[_name] = mock.MagicMock(__spec__=_spec)

import audiolm_pytorch as alm  # noqa: E402  pylint: disable=wrong-import-position

_NUM_COARSE = 4


class Shape(NamedTuple):
  """Of a Transformer.

  Attributes:
    dim: Width.
    depth: Layers.
    heads: Of 64 each; keys and values have one for all.
    flash: Torch's fused attention, which leaves out all position biases. With
      its cache, the semantic and the coarse stage then look at the first place
      alone.
  """

  dim: int
  depth: int
  heads: int
  flash: bool = False


class Trained(NamedTuple):
  """A stage that trains.

  Attributes:
    step: Forward, backward and optimizer on a batch.
    num_parameters: All of them.
    num_tokens: Of a batch.
  """

  step: Callable[[], None]
  num_parameters: int
  num_tokens: int


class _NoCodec(alm.SoundStream):
  """Is asked for, and not used where there are ids."""

  def __init__(self, num_quantizers: int):
    torch.nn.Module.__init__(self)
    self.rq_groups, self.num_quantizers = 1, num_quantizers


def build(stage: str, sizes: Sizes, shape: Shape, dropout: float) -> Any:
  """One of its three wrappers around a Transformer of random weights."""
  torch.set_num_threads(len(os.sched_getaffinity(0)))
  semantic = {'num_semantic_tokens': sizes.semantic_codebook_size}
  acoustic = {
      'codebook_size': sizes.acoustic_codebook_size,
      'num_coarse_quantizers': _NUM_COARSE,
  }
  fine = {'num_fine_quantizers': sizes.num_quantizers - _NUM_COARSE}
  kind, wrapper, vocabulary = {
      'semantic': (
          alm.SemanticTransformer,
          alm.SemanticTransformerWrapper,
          semantic,
      ),
      'coarse': (
          alm.CoarseTransformer,
          alm.CoarseTransformerWrapper,
          acoustic | semantic,
      ),
      'fine': (
          alm.FineTransformer,
          alm.FineTransformerWrapper,
          acoustic | fine,
      ),
  }[stage]
  # It asks a hub how wide a text encoder is that it does not use.
  with mock.patch.object(
      alm.audiolm_pytorch, 'get_encoded_dim', lambda _: shape.dim
  ):
    transformer = kind(
        **vocabulary,
        dim=shape.dim,
        depth=shape.depth,
        heads=shape.heads,
        flash_attn=shape.flash,
        attn_dropout=dropout,
        ff_dropout=dropout,
    )
  # Its own defaults leave places of the past out at random, which costs time.
  options = {'mask_prob': 0.0}
  if stage != 'semantic':
    options['codec'] = _NoCodec(sizes.num_quantizers)
  if stage != 'fine':
    options['unique_consecutive'] = False
  return wrapper(transformer=transformer, **options)


def coarse(
    sizes: Sizes, shape: Shape, frames: dict[str, int], batch_size: int
) -> Trained:
  """Four coarse levels given so many semantic and acoustic frames."""
  model = build('coarse', sizes, shape, dropout=0.1)
  optimizer = torch.optim.Adam(model.transformer.parameters(), lr=1e-4)
  ids = {
      'semantic_token_ids': torch.randint(
          sizes.semantic_codebook_size, (batch_size, frames['semantic'])
      ),
      'coarse_token_ids': torch.randint(
          sizes.acoustic_codebook_size,
          (batch_size, frames['acoustic'], _NUM_COARSE),
      ),
  }

  def step() -> None:
    loss = model(**ids, return_loss=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.transformer.parameters(), 0.5)
    optimizer.step()
    optimizer.zero_grad()

  step()
  num_tokens = sum(array.numel() for array in ids.values())
  return Trained(step, num_parameters(model), num_tokens)


def num_parameters(model: Any) -> int:
  """Of a stage."""
  return sum(p.numel() for p in model.transformer.parameters())


def sample(
    stage: str,
    model: Any,
    sizes: Sizes,
    past: int,
    rows: int,
    num_ids: int,
    between: Callable[[], None],
) -> list[timing.Seconds]:
  """Seconds of each id of its `generate`, with its cache.

  Of all but the first, which waits for the prefix, and the last.

  Args:
    stage: Its name.
    model: From `build`.
    sizes: Of the tokens.
    past: Places before, prefix included; less what fills no whole frame.
    rows: Sampled at once.
    num_ids: A multiple of the levels that the stage makes.
    between: Is called between two ids; takes turns with it, out of its time.
  """
  draw = {'semantic': _semantic, 'coarse': _coarse, 'fine': _fine}[stage]
  start, taken = timing.now(), []

  def pause(*_: Any) -> None:
    nonlocal start
    taken.append(timing.since(start))
    between()
    start = timing.now()

  hook = model.transformer.transformer.register_forward_pre_hook(pause)
  # No progress bar.
  with mock.patch.object(alm.audiolm_pytorch, 'tqdm', lambda steps, **_: steps):
    draw(model, sizes, past, rows, num_ids)
  hook.remove()
  return taken[2:]  # What comes before the first id, then that id.


def _semantic(
    model: Any, sizes: Sizes, past: int, rows: int, num_ids: int
) -> None:
  # An end token would end the loop.
  model.transformer.to_logits.bias.data[model.eos_id] = -1e9
  ids = torch.randint(sizes.semantic_codebook_size, (rows, past))
  model.generate(prime_ids=ids, max_length=past + num_ids)


def _coarse(
    model: Any, sizes: Sizes, past: int, rows: int, num_ids: int
) -> None:
  frames = past * 2 // 9  # A semantic frame comes with two of four levels.
  model.generate(
      semantic_token_ids=torch.randint(
          sizes.semantic_codebook_size, (rows, past - _NUM_COARSE * frames)
      ),
      prime_coarse_token_ids=torch.randint(
          sizes.acoustic_codebook_size, (rows, _NUM_COARSE * frames)
      ),
      max_time_steps=num_ids // _NUM_COARSE,
  )


def _fine(model: Any, sizes: Sizes, past: int, rows: int, num_ids: int) -> None:
  num_fine = sizes.num_quantizers - _NUM_COARSE
  # Of the frames to come, the coarse levels are past.
  new = num_ids // num_fine
  done = (past - new * _NUM_COARSE) // sizes.num_quantizers
  model.generate(
      coarse_token_ids=torch.randint(
          sizes.acoustic_codebook_size, (rows, done + new, _NUM_COARSE)
      ),
      prime_fine_token_ids=torch.randint(
          sizes.acoustic_codebook_size, (rows, done * num_fine)
      ),
  )
