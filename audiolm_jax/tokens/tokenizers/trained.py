"""Models behind the contracts of `tokenizers`."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import traverse_util
from jaxtyping import Array, Float, Int, PyTree

from audiolm_jax.nn import kmeans as clustering
from audiolm_jax.nn.kmeans import KMeans
from audiolm_jax.semantic_vq.model import BELOW_CODES, SemanticVq
from audiolm_jax.soundstream import quantizer
from audiolm_jax.soundstream.networks import Networks
from audiolm_jax.tokens.tokenizers import windows
from audiolm_jax.tokens.tokenizers.contract import Context
from audiolm_jax.training.state import sizes

# Longer clips are encoded in windows, whose margins are only heard. The public
# codecs have recurrent layers or attention, which fade. The semantic model was
# trained on crops no longer than a window.
_WINDOW_SECONDS = 30.0
_PUBLIC_MARGIN_SECONDS = 5.0
_SEMANTIC_MARGIN_SECONDS = 2.5
# Stands for the codes of frames that fill a batch up.
_ABSENT = -1


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
    context: What the waveform of a frame depends on, or depends on much.
    pads: Whether frames of the code `_ABSENT` may follow a clip's and change
      nothing that is decoded before them.
    margin_seconds: How far around a frame encoding hears, or hears much.
  """

  model: nn.Module
  encode: Encode
  decode: Decode
  embed: Decode
  context: Context
  pads: bool
  margin_seconds: float


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
    present = codes[..., 0] != _ABSENT
    z = quantizer.decode(jnp.maximum(codes, 0), codebooks)
    return model.apply({'params': params}, z, present, method='decode')

  def embed(weights: PyTree, codes: Array) -> Array:
    return quantizer.decode(codes, weights[1])

  context = Context(model.num_past_frames, -(-model.delay // model.hop_length))
  margin_seconds = model.receptive_field / model.sample_rate
  return Codec(model, encode, decode, embed, context, True, margin_seconds)


def soundstream(
    model: Networks,
    params: PyTree,
    codebooks: Float[Array | np.ndarray, 'Q K D'],
) -> 'CodecTokenizer':
  """SoundStream; `params` are the model's alone."""
  # The decoder makes no codes.
  settings = {
      name: value
      for name, value in _settings(model).items()
      if not name.startswith(('decoder_', 'synthesis_'))
  }
  heard = {name: params[name] for name in params if name != 'decoder'}
  return CodecTokenizer(
      soundstream_codec(model),
      (params, codebooks),
      functools.partial(fingerprint, settings, (heard, codebooks)),
  )


def pretrained(model: nn.Module, params: PyTree) -> 'CodecTokenizer':
  """A codec of `audiolm_jax.pretrained`."""

  def call(method: str) -> Callable[..., Array]:
    return lambda params, *args: model.apply(
        {'params': params}, *args, method=method
    )

  methods = map(call, ('encode', 'decode', 'embed'))
  margin = round(_PUBLIC_MARGIN_SECONDS * model.sample_rate / model.hop_length)
  # A decoder hears up to twice as far as the encoder that it mirrors.
  context = Context(2 * margin, 0 if model.causal else margin)
  return CodecTokenizer(
      Codec(model, *methods, context, model.causal, _PUBLIC_MARGIN_SECONDS),
      params,
      functools.partial(fingerprint, _settings(model), [params]),
  )


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
    self._window = round(_WINDOW_SECONDS * frame_rate)
    self._fingerprint = fingerprint
    self._encode, self._decode, self._embed = map(
        jax.jit, (codec.encode, codec.decode, codec.embed)
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
    padded = np.pad(codes, more, constant_values=_ABSENT)
    waveform = self._decode(self._weights, padded)
    return np.asarray(waveform)[:num_rows, : num_frames * self.hop_length]

  def embed(
      self, codes: Int[np.ndarray, 'B T q']
  ) -> Float[np.ndarray, 'B T D']:
    """The vectors that the codes of the first q levels stand for."""
    return np.asarray(self._embed(self._weights, codes))


class ClusterTokenizer:
  """Clusters of a model's features, behind the contract of SemanticTokenizer.

  The ids of a clip of up to 30 s are those of one pass over it. Longer ones are
  encoded in windows of 30 s, and w2v-BERT attends to all of its window, near or
  far: of the bundle `speech`, 96 % of the ids are those of one pass over two
  minutes. That holds from 0.2 s off a window's border to its middle, so a wider
  margin would not help. Longer windows do (15 s: 93 %, 60 s: 98 %), and without
  attention, or with one that reaches 0.6 s, all ids are equal.

  Attributes:
    centroids: Of the normalized features, one an id.
  """

  def __init__(
      self, model: nn.Module, params: PyTree, layer: int, kmeans: KMeans
  ):
    """Args: `layer` of the model that `kmeans` was fit on."""
    self.sample_rate = model.sample_rate
    self.hop_length = model.hop_length
    self.codebook_size = len(kmeans.centroids)
    self.centroids = np.asarray(kmeans.centroids)
    self._model, self._layer = model, layer
    self._weights = {'params': params}, kmeans

    def features(weights: PyTree, waveform: Array, lengths: Array) -> Array:
      return model.apply(
          weights[0], waveform, lengths, layer, method='features'
      )

    @jax.jit
    def normalized(weights, waveform, lengths):
      return clustering.normalize(
          features(weights, waveform, lengths), weights[1]
      )

    @jax.jit
    def assigned(weights, waveform, lengths):
      return clustering.assign(
          features(weights, waveform, lengths), weights[1]
      )[..., None]

    self._normalized, self._assigned = normalized, assigned

  @functools.cached_property
  def fingerprint(self) -> str:
    """12 hex digits that change with any weight or setting."""
    params, kmeans = self._weights
    settings = {**_settings(self._model), 'layer': self._layer}
    return fingerprint(settings, (params, kmeans._asdict()))

  def encode(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Int[np.ndarray, 'B T']:
    """One id a frame."""
    frame_rate = self.sample_rate / self.hop_length
    return windows.encode(
        lambda *pieces: np.asarray(self._assigned(self._weights, *pieces)),
        waveform,
        lengths,
        self.hop_length,
        num_levels=1,
        size=round(_WINDOW_SECONDS * frame_rate),
        margin=round(_SEMANTIC_MARGIN_SECONDS * frame_rate),
    )[..., 0]

  def features(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Float[np.ndarray, 'B T D']:
    """What the ids are the nearest centroids of; clips of some seconds."""
    return np.asarray(self._normalized(self._weights, waveform, lengths))


class CodeTokenizer:
  """The codes of a SemanticVq, behind the contract of SemanticTokenizer.

  Mean and deviation of a clip of up to 30 s are those of all of it; longer ones
  are encoded in windows of 30 s, each with its own.

  Attributes:
    centroids: What the ids stand for: the codes.
  """

  def __init__(
      self,
      model: SemanticVq,
      params: PyTree,
      codebooks: Float[Array | np.ndarray, '1 K D'],
  ):
    """Args: `params` of what is below the codes, or of more."""
    self.sample_rate = model.sample_rate
    self.hop_length = model.hop_length
    self.codebook_size = model.codebook_size
    self.centroids = np.asarray(codebooks[0])
    self._model = model
    heard = {name: params[name] for name in BELOW_CODES}
    self._weights = {'params': heard}, codebooks

    @jax.jit
    def features(weights, waveform, lengths):
      return model.apply(weights[0], waveform, lengths, method='encode')

    @jax.jit
    def codes(weights, waveform, lengths):
      return quantizer.encode(features(weights, waveform, lengths), weights[1])

    self._features, self._codes = features, codes

  @functools.cached_property
  def fingerprint(self) -> str:
    """12 hex digits that change with any weight or setting below the codes."""
    above = ('decoder_', 'voice_')
    settings = {
        name: value
        for name, value in _settings(self._model).items()
        if not name.startswith(above)
    }
    return fingerprint(settings, self._weights)

  def encode(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Int[np.ndarray, 'B T']:
    """One id a frame."""
    frame_rate = self.sample_rate / self.hop_length
    return windows.encode(
        lambda *pieces: np.asarray(self._codes(self._weights, *pieces)),
        waveform,
        lengths,
        self.hop_length,
        num_levels=1,
        size=round(_WINDOW_SECONDS * frame_rate),
        margin=self._model.receptive_frames,
    )[..., 0]

  def features(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Float[np.ndarray, 'B T D']:
    """What the ids are the nearest centroids of; clips of some seconds."""
    return np.asarray(self._features(self._weights, waveform, lengths))


def _settings(model: nn.Module) -> dict[str, Any]:
  """Fields that are not at their defaults: new ones change no fingerprint."""
  defaults = {field.name: field.default for field in dataclasses.fields(model)}
  return {
      name: value
      for name, value in sizes(model).items()
      if isinstance(value, (list, tuple)) or value != defaults[name]
  }


def fingerprint(settings: Mapping[str, Any], arrays: Sequence[PyTree]) -> str:
  """12 hex digits of settings and weights."""
  digest = hashlib.sha256()
  digest.update(json.dumps(settings, sort_keys=True).encode())
  parts = dict(enumerate(arrays))
  leaves = traverse_util.flatten_dict(jax.device_get(parts))
  for path in sorted(leaves, key=str):
    leaf = np.ascontiguousarray(leaves[path])
    digest.update(f'{path} {leaf.dtype} {leaf.shape}'.encode())
    digest.update(leaf.tobytes())
  return digest.hexdigest()[:12]
