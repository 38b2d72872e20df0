"""Codecs that others trained, as tokenizers."""

import functools
from collections.abc import Callable

from flax import linen as nn
from jaxtyping import Array, PyTree

from audiolm_jax.tokens.tokenizers.codec import Codec, CodecTokenizer
from audiolm_jax.tokens.tokenizers.contract import Context
from audiolm_jax.tokens.tokenizers.fingerprints import fingerprint, settings_of

# They have recurrent layers or attention, which fade.
_MARGIN_SECONDS = 5.0


def public_tokenizer(model: nn.Module, params: PyTree) -> CodecTokenizer:
  """A codec of `audiolm_jax.pretrained`."""

  def call(method: str) -> Callable[..., Array]:
    return lambda params, *args: model.apply(
        {'params': params}, *args, method=method
    )

  methods = map(call, ('encode', 'decode', 'embed'))
  margin = round(_MARGIN_SECONDS * model.sample_rate / model.hop_length)
  # A decoder hears up to twice as far as the encoder that it mirrors.
  context = Context(2 * margin, 0 if model.causal else margin)
  return CodecTokenizer(
      Codec(model, *methods, context, model.causal, _MARGIN_SECONDS),
      params,
      functools.partial(fingerprint, settings_of(model), [params]),
  )
