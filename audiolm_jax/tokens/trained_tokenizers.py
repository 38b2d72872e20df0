"""Our own models behind the contracts of `tokenizers`."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from flax import linen as nn
from flax import traverse_util
from jaxtyping import Array, Float, Int, PyTree

from audiolm_jax.soundstream import quantizer
from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.tokens import windows
from audiolm_jax.training.state import sizes
from audiolm_jax.w2v_bert import kmeans as clustering
from audiolm_jax.w2v_bert.kmeans import KMeans
from audiolm_jax.w2v_bert.model import W2vBert

# Longer clips are encoded in windows. The codec hears less than a second back;
# the semantic model was trained on crops no longer than a window.
_WINDOW_SECONDS = 30.0
_CODEC_MARGIN_SECONDS = 1.0
_SEMANTIC_MARGIN_SECONDS = 2.5


class SoundStreamTokenizer:
  """The codec behind the contract of AcousticTokenizer."""

  def __init__(
      self,
      model: SoundStream,
      params: PyTree,
      codebooks: Float[Array | np.ndarray, 'Q K D'],
  ):
    """Args: `params` of the model alone, and the vectors of its codebooks."""
    self.sample_rate = model.sample_rate
    self.hop_length = model.hop_length
    self.num_quantizers, self.codebook_size, _ = codebooks.shape
    self._model = model
    self._variables = {'params': params}, codebooks

    @jax.jit
    def encode_batch(variables, waveform):
      params, codebooks = variables
      z = model.apply(params, waveform, method='encode')
      return quantizer.encode(z, codebooks)

    @jax.jit
    def decode_batch(variables, codes):
      params, codebooks = variables
      z = quantizer.decode(codes, codebooks)
      return model.apply(params, z, method='decode')

    self._encode_batch = encode_batch
    self._decode_batch = decode_batch

  @functools.cached_property
  def fingerprint(self) -> str:
    """12 hex digits of all that makes the codes; the decoder does not."""
    params, codebooks = self._variables
    params = {**params['params']}
    del params['decoder']
    settings = _settings(self._model)
    settings.pop('decoder_channels', None)
    return fingerprint(settings, (params, codebooks))

  def encode(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Int[np.ndarray, 'B T Q']:
    """Codes of all levels."""
    return windows.encode(
        lambda pieces, _: np.asarray(
            self._encode_batch(self._variables, pieces)
        ),
        waveform,
        lengths,
        self.hop_length,
        self.num_quantizers,
        size=round(_WINDOW_SECONDS * self._model.frame_rate),
        margin=round(_CODEC_MARGIN_SECONDS * self._model.frame_rate),
    )

  def decode(self, codes: Int[np.ndarray, 'B T q']) -> Float[np.ndarray, 'B N']:
    """Codes of the first q levels to waveforms."""
    num_rows, num_frames, _ = codes.shape
    # The decoder hears no future: what is padded does not change the rest.
    more_rows = windows.row_bucket(num_rows) - num_rows
    more_frames = windows.bucket(num_frames) - num_frames
    padded = np.pad(codes, [(0, more_rows), (0, more_frames), (0, 0)])
    waveform = self._decode_batch(self._variables, padded)
    return np.asarray(waveform)[:num_rows, : num_frames * self.hop_length]


class W2vBertTokenizer:
  """w2v-BERT and k-means behind the contract of SemanticTokenizer."""

  def __init__(
      self, model: W2vBert, params: PyTree, layer: int, kmeans: KMeans
  ):
    """Args: `layer` of the masked-prediction half, that `kmeans` was fit on."""
    self.sample_rate = model.sample_rate
    self.hop_length = model.hop_length
    self.codebook_size = len(kmeans.centroids)
    self._model, self._layer = model, layer
    self._variables = {'params': params}, kmeans

    @jax.jit
    def encode_batch(variables, waveform, lengths):
      params, kmeans = variables
      features = model.apply(
          params, waveform, lengths, layer, method='features'
      )
      return clustering.assign(features, kmeans)[..., None]

    self._encode_batch = encode_batch

  @functools.cached_property
  def fingerprint(self) -> str:
    """12 hex digits that change with any weight or setting."""
    params, kmeans = self._variables
    settings = {**_settings(self._model), 'layer': self._layer}
    return fingerprint(settings, (params, kmeans._asdict()))

  def encode(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Int[np.ndarray, 'B T']:
    """One id a frame."""
    return windows.encode(
        lambda *pieces: np.asarray(
            self._encode_batch(self._variables, *pieces)
        ),
        waveform,
        lengths,
        self.hop_length,
        num_levels=1,
        size=round(_WINDOW_SECONDS * self._model.frame_rate),
        margin=round(_SEMANTIC_MARGIN_SECONDS * self._model.frame_rate),
    )[..., 0]


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
