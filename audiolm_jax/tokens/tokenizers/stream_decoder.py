"""Codes that come piece by piece, decoded as they come."""

import numpy as np
from jaxtyping import Float, Int

from audiolm_jax.tokens.tokenizers.contract import AcousticTokenizer


class StreamDecoder:
  """Decodes one clip; its pieces together are what decoding the whole gives.

  It remembers as many codes as decoding depends on.
  """

  def __init__(
      self, tokenizer: AcousticTokenizer, past: Int[np.ndarray, 'T q']
  ):
    """Args: `past` is what was decoded before."""
    self._tokenizer = tokenizer
    self._codes, self._num_decoded = past, len(past)

  def decode(self, codes: Int[np.ndarray, 'T q']) -> Float[np.ndarray, ' N']:
    """Samples that no later code can change, as far as they are new."""
    self._codes = np.concatenate([self._codes, codes])
    return self._decode_to(len(self._codes) - self._tokenizer.context.after)

  def flush(self) -> Float[np.ndarray, ' N']:
    """Returns the rest when nothing more comes."""
    return self._decode_to(len(self._codes))

  def _decode_to(self, stop: int) -> Float[np.ndarray, ' N']:
    start = self._num_decoded
    if stop <= start:
      return np.zeros(0, np.float32)
    # With the codes on both sides that the new ones depend on, whose own
    # samples are cut off.
    first = max(start - self._tokenizer.context.before, 0)
    heard = self._codes[first : stop + self._tokenizer.context.after]
    hop = self._tokenizer.hop_length
    waveform = self._tokenizer.decode(heard[None])[0]
    # Older codes are forgotten: a stream may last for ever. The count is from
    # the first that is kept.
    self._codes, self._num_decoded = self._codes[first:], stop - first
    return waveform[(start - first) * hop : (stop - first) * hop]
