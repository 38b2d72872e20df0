"""audiolm-pytorch's stages, and their sampling as its users do it.

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
from typing import Any
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

NUM_COARSE = 4


class _NoCodec(alm.SoundStream):
  """Is asked for, and not used where there are ids."""

  def __init__(self, num_quantizers: int):
    torch.nn.Module.__init__(self)
    self.rq_groups, self.num_quantizers = 1, num_quantizers


def build(stage: str, sizes: Sizes, options: dict[str, Any]) -> Any:
  """One of its three wrappers around a Transformer of random weights.

  Args:
    stage: Its name.
    sizes: Sizes of the tokens.
    options: Options of the Transformer. `flash_attn` is torch's fused
      attention, which leaves out all position biases; with its cache, the
      semantic and the coarse stage then look at the first place alone.
  """
  torch.set_num_threads(len(os.sched_getaffinity(0)))
  semantic = {'num_semantic_tokens': sizes.semantic_codebook_size}
  acoustic = {
      'codebook_size': sizes.acoustic_codebook_size,
      'num_coarse_quantizers': NUM_COARSE,
  }
  fine = {'num_fine_quantizers': sizes.num_quantizers - NUM_COARSE}
  vocabulary = {
      'semantic': semantic,
      'coarse': acoustic | semantic,
      'fine': acoustic | fine,
  }
  name = f'{stage.title()}Transformer'
  # It asks a hub how wide a text encoder is that it does not use.
  with mock.patch.object(
      alm.audiolm_pytorch, 'get_encoded_dim', lambda _: options['dim']
  ):
    transformer = getattr(alm, name)(**vocabulary[stage], **options)
  # Its own defaults leave places of the past out at random, which costs time.
  wrapped = {'mask_prob': 0.0}
  if stage != 'semantic':
    wrapped['codec'] = _NoCodec(sizes.num_quantizers)
  if stage != 'fine':
    wrapped['unique_consecutive'] = False
  return getattr(alm, f'{name}Wrapper')(transformer=transformer, **wrapped)


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

  The first, which waits for the prefix, and the last are left out.

  Args:
    stage: Its name.
    model: From `build`.
    sizes: Sizes of the tokens.
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
          sizes.semantic_codebook_size, (rows, past - NUM_COARSE * frames)
      ),
      prime_coarse_token_ids=torch.randint(
          sizes.acoustic_codebook_size, (rows, NUM_COARSE * frames)
      ),
      max_time_steps=num_ids // NUM_COARSE,
  )


def _fine(model: Any, sizes: Sizes, past: int, rows: int, num_ids: int) -> None:
  num_fine = sizes.num_quantizers - NUM_COARSE
  # The coarse levels of the frames to come are past.
  new = num_ids // num_fine
  done = (past - new * NUM_COARSE) // sizes.num_quantizers
  model.generate(
      coarse_token_ids=torch.randint(
          sizes.acoustic_codebook_size, (rows, done + new, NUM_COARSE)
      ),
      prime_fine_token_ids=torch.randint(
          sizes.acoustic_codebook_size, (rows, done * num_fine)
      ),
  )
