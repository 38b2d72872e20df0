"""Codecs behind the contract of AcousticTokenizer."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int, PyTree

from audiolm_jax.executables import Jitted
from audiolm_jax.tokens.tokenizers import windows
from audiolm_jax.tokens.tokenizers.contract import Context

# Stands for the codes of frames that fill a batch up.
ABSENT = -1

# Weights, waveforms 'B N' and lengths ' B' to codes 'B T Q'.
Encode = Callable[[PyTree, Array, Array], Array]
# Weights and codes 'B T q' to waveforms, or to vectors 'B T D'.
Decode = Callable[[PyTree, Array], Array]


class Codec(NamedTuple):
  """A codec as pure functions of its weights.

  Attributes:
    model: Says sample_rate, hop_length, num_quantizers, codebook_size.
    encode: Waveforms and their lengths to codes.
    decode: Codes of the first levels to waveforms.
    embed: Codes of the first levels to the vectors they stand for.
    context: Numbers of frames around a frame that its waveform depends on, or
      depends on much.
    pads: Whether frames of the code `ABSENT` may follow a clip's and change
      nothing that is decoded before them.
    margin_seconds: Length on each side of a frame that encoding hears, or hears
      much, in seconds.
  """

  model: nn.Module
  encode: Encode
  decode: Decode
  embed: Decode
  context: Context
  pads: bool
  margin_seconds: float


class CodecTokenizer:
  """A codec behind the contract of AcousticTokenizer.

  Clips longer than 30 s are encoded in windows. SoundStream's codes are those
  of one pass nevertheless; public codecs may hear more than their margin.
  """

  def __init__(
      self, codec: Codec, weights: PyTree, fingerprint: Callable[[], str]
  ):
    """Args: `fingerprint` of all that makes the codes, made when needed."""
    model = codec.model
    self.sample_rate, self.hop_length = model.sample_rate, model.hop_length
    self.num_quantizers = model.num_quantizers
    self.codebook_size = model.codebook_size
    self._weights, self._pads = weights, codec.pads
    self.context = codec.context
    frame_rate = model.sample_rate / model.hop_length
    self._margin = round(codec.margin_seconds * frame_rate)
    self._window = round(windows.WINDOW_SECONDS * frame_rate)
    self._fingerprint = fingerprint
    self._encode, self._decode, self._embed = (
        Jitted(function, f'{name} of {model!r}')
        for name, function in (
            ('encode', codec.encode),
            ('decode', codec.decode),
            ('embed', codec.embed),
        )
    )

  @functools.cached_property
  def fingerprint(self) -> str:
    """12 hex digits of all that makes the codes."""
    return self._fingerprint()

  def encode(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Int[np.ndarray, 'B T Q']:
    """Codes of all levels."""
    return windows.encode(
        lambda *pieces: np.asarray(self._encode(self._weights, *pieces)),
        waveform,
        lengths,
        self.hop_length,
        self.num_quantizers,
        size=self._window,
        margin=self._margin,
    )

  def decode(self, codes: Int[np.ndarray, 'B T q']) -> Float[np.ndarray, 'B N']:
    """Codes of the first q levels to waveforms, in windows of 30 s."""
    before, after = self.context
    pieces = []
    for start in range(0, codes.shape[1], self._window):
      first = max(start - before, 0)
      stop = min(start + self._window, codes.shape[1])
      waveform = self._decode_window(codes[:, first : stop + after])
      cut = slice(
          (start - first) * self.hop_length, (stop - first) * self.hop_length
      )
      pieces.append(waveform[:, cut])
    return np.concatenate(pieces, axis=1)

  def _decode_window(
      self, codes: Int[np.ndarray, 'B T q']
  ) -> Float[np.ndarray, 'B N']:
    num_rows, num_frames, _ = codes.shape
    more_rows = windows.row_bucket(num_rows) - num_rows
    more_frames = windows.bucket(num_frames) - num_frames if self._pads else 0
    more = [(0, more_rows), (0, more_frames), (0, 0)]
    padded = np.pad(codes, more, constant_values=ABSENT)
    waveform = self._decode(self._weights, padded)
    return np.asarray(waveform)[:num_rows, : num_frames * self.hop_length]

  def embed(
      self, codes: Int[np.ndarray, 'B T q']
  ) -> Float[np.ndarray, 'B T D']:
    """The vectors that the codes of the first q levels stand for."""
    return np.asarray(self._embed(self._weights, codes))
