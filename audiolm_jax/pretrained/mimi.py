"""Mimi from its published weights."""

import math
from collections.abc import Mapping
from typing import Any

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import mimi_quantizer, seanet_conversion
from audiolm_jax.pretrained.checkpoint import Checkpoint
from audiolm_jax.pretrained.mimi_model import Mimi
from audiolm_jax.pretrained.mimi_transformer import ACTIVATIONS

_DEFAULTS = {
    'sampling_rate': 24000,
    'hidden_size': 512,
    'num_filters': 64,
    'num_residual_layers': 1,
    'upsampling_ratios': (8, 6, 5, 4),
    'kernel_size': 7,
    'last_kernel_size': 3,
    'residual_kernel_size': 3,
    'dilation_growth_rate': 2,
    'use_causal_conv': True,
    'pad_mode': 'constant',
    'compress': 2,
    'trim_right_ratio': 1.0,
    'use_conv_shortcut': False,
    'codebook_size': 2048,
    'codebook_dim': 256,
    'num_quantizers': 32,
    'num_semantic_quantizers': 1,
    'upsample_groups': 512,
    'num_hidden_layers': 8,
    'intermediate_size': 2048,
    'num_attention_heads': 8,
    'num_key_value_heads': 8,
    'hidden_act': 'gelu',
    'norm_eps': 1e-5,
    'sliding_window': 250,
    'attention_bias': False,
}
_ROPE_THETA = {'rope_theta': 10000.0}


def convert(checkpoint: Checkpoint) -> tuple[Mimi, dict[str, Any]]:
  """The model that a checkpoint describes, and its params.

  Raises:
    UserError: The checkpoint is of another family, asks for something that is
      not supported, or its weights do not fit its configuration.
  """
  model = _model(checkpoint.config)
  tensors = dict(checkpoint.tensors)
  semantic = model.num_semantic_quantizers
  levels = semantic, model.num_quantizers - semantic
  codebooks = {
      ('quantizer', half, 'codebooks'): mimi_quantizer.take_codebooks(
          tensors, half, count
      )
      for half, count in zip(mimi_quantizer.HALVES, levels, strict=True)
  }
  transposed = model.shape.transposed_weights
  # Of all transposed convolutions this one alone is in groups.
  transposed['upsample.conv.weight'] = model.upsample_groups
  params = seanet_conversion.network_tensors(tensors, transposed)
  return model, seanet_conversion.fitted(model, params | codebooks)


def _model(config: Mapping[str, Any]) -> Mimi:
  _check(config)
  fields = seanet_conversion.settings(config, _DEFAULTS)
  heads = fields['num_attention_heads']
  head_dim = {'head_dim': fields['hidden_size'] // heads}
  fields |= seanet_conversion.settings(config, head_dim)
  rope = _rope(config) or config
  fields |= seanet_conversion.settings(rope, _ROPE_THETA)
  fields['latent_stride'] = _latent_stride(config, fields)
  _check_divisions(fields)
  return Mimi(sample_rate=fields.pop('sampling_rate'), **fields)


def _check(config: Mapping[str, Any]) -> None:
  seanet_conversion.check_family(config, 'mimi')
  seanet_conversion.refuse_convolutions(config)
  seanet_conversion.refuse(config, 'hidden_act', tuple(ACTIVATIONS))
  seanet_conversion.refuse(config, 'normalize', [False])
  seanet_conversion.refuse(config, 'rope_scaling', [None])
  seanet_conversion.refuse(_rope(config), 'rope_type', ['default'])
  # Projections lead to this width, codebooks have `codebook_dim`: nothing maps
  # between the two.
  name = 'vector_quantization_hidden_dimension'
  width = config.get('codebook_dim', _DEFAULTS['codebook_dim'])
  seanet_conversion.refuse(config, name, [width])


def _rope(config: Mapping[str, Any]) -> Mapping[str, Any]:
  """Newer configurations' rotations, which have a place of their own."""
  rope = config.get('rope_parameters') or {}
  if not isinstance(rope, dict):
    raise UserError(
        f'config.json has rope_parameters: {rope!r}, which is no JSON object;'
        ' download the model again.'
    )
  return rope


def _latent_stride(config: Mapping[str, Any], fields: dict[str, Any]) -> int:
  """Latents of the convolutional encoder a frame: 2 where nothing is said."""
  latent_rate = seanet_conversion.frames_per_second(
      fields['sampling_rate'], fields['upsampling_ratios']
  )
  # The configuration class of transformers keeps it under the second name.
  said = config.get('frame_rate') or config.get('_frame_rate')
  half = fields['sampling_rate'] / math.prod(fields['upsampling_ratios']) / 2
  frame_rate = seanet_conversion.settings(
      {'frame_rate': said}, {'frame_rate': half}
  )['frame_rate']
  # Without resampling, the published code has no such model either.
  if not 0 < frame_rate < latent_rate:
    raise UserError(
        f'config.json has frame_rate: {frame_rate}, which has to be lower than'
        f' the {latent_rate} of its convolutions; choose another model.'
    )
  # Cut as transformers cuts it; the latents' rate may have been rounded up.
  return int(latent_rate / frame_rate)


def _check_divisions(fields: Mapping[str, Any]) -> None:
  """Raises UserError where sizes do not go into each other."""
  for part, whole in (
      ('num_key_value_heads', 'num_attention_heads'),
      ('upsample_groups', 'hidden_size'),
  ):
    if fields[whole] % fields[part]:
      raise UserError(
          f'config.json has {part}: {fields[part]}, which does not divide'
          f' {whole}: {fields[whole]}; download the model again.'
      )
  if fields['num_semantic_quantizers'] >= fields['num_quantizers']:
    raise UserError(
        'config.json has num_semantic_quantizers:'
        f' {fields["num_semantic_quantizers"]} of only'
        f' {fields["num_quantizers"]} levels; download the model again.'
    )
