"""SoundStream as a tokenizer."""

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from audiolm_jax.soundstream import quantizer
from audiolm_jax.soundstream.networks import Networks
from audiolm_jax.tokens.tokenizers.codec import ABSENT, Codec, CodecTokenizer
from audiolm_jax.tokens.tokenizers.contract import Context
from audiolm_jax.tokens.tokenizers.fingerprints import fingerprint, settings_of


def soundstream_codec(model: Networks) -> Codec:
  """SoundStream; its weights are the model's params, and the codebooks.

  The margin is the receptive field, 0.33 s with the paper's strides, so that
  the codes of a long clip are those of one pass over it, from end to end.
  """

  def encode(weights: PyTree, waveform: Array, lengths: Array) -> Array:
    del lengths  # What follows a sample does not change its code.
    params, codebooks = weights
    z = model.apply({'params': params}, waveform, method='encode')
    return quantizer.encode(z, codebooks)

  def decode(weights: PyTree, codes: Array) -> Array:
    params, codebooks = weights
    present = codes[..., 0] != ABSENT
    z = quantizer.decode(jnp.maximum(codes, 0), codebooks)
    return model.apply({'params': params}, z, present, method='decode')

  def embed(weights: PyTree, codes: Array) -> Array:
    return quantizer.decode(codes, weights[1])

  context = Context(model.num_past_frames, -(-model.delay // model.hop_length))
  margin_seconds = model.receptive_field / model.sample_rate
  return Codec(model, encode, decode, embed, context, True, margin_seconds)


def soundstream_tokenizer(
    model: Networks,
    params: PyTree,
    codebooks: Float[Array | np.ndarray, 'Q K D'],
) -> CodecTokenizer:
  """SoundStream; `params` are the model's alone."""
  # The decoder makes no codes.
  settings = {
      name: value
      for name, value in settings_of(model).items()
      if not name.startswith(('decoder_', 'phase', 'synthesis_'))
  }
  heard = {name: params[name] for name in params if name != 'decoder'}
  return CodecTokenizer(
      soundstream_codec(model),
      (params, codebooks),
      functools.partial(fingerprint, settings, (heard, codebooks)),
  )
