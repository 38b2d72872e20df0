"""Clusters of a model's features as semantic tokens."""

import functools

import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int, PyTree

from audiolm_jax import executables
from audiolm_jax.nn import kmeans as clustering
from audiolm_jax.nn.kmeans import KMeans
from audiolm_jax.tokens.tokenizers import windows
from audiolm_jax.tokens.tokenizers.fingerprints import fingerprint, settings_of

# How far around a frame the models hear much.
_MARGIN_SECONDS = 2.5


class ClusterTokenizer:
  """Clusters of a model's features, behind the contract of SemanticTokenizer.

  The ids of a clip of up to 30 s are those of one pass over it. Longer ones are
  encoded in windows of 30 s, and w2v-BERT attends to all of its window, near or
  far: of the bundle `speech`, 96 % of the ids are those of one pass over two
  minutes. That holds from 0.2 s off a window's border to its middle, so a wider
  margin would not help. Longer windows do (15 s: 93 %, 60 s: 98 %), and without
  attention, or with one that reaches 0.6 s, all ids are equal.

  Attributes:
    centroids: Centroids of the normalized features, one an id.
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

    described = f'layer {layer} of {model!r}'

    def features(weights: PyTree, waveform: Array, lengths: Array) -> Array:
      return model.apply(
          weights[0], waveform, lengths, layer, method='features'
      )

    @executables.jit(described)
    def normalized(weights, waveform, lengths):
      return clustering.normalize(
          features(weights, waveform, lengths), weights[1]
      )

    @executables.jit(described)
    def assigned(weights, waveform, lengths):
      return clustering.assign(
          features(weights, waveform, lengths), weights[1]
      )[..., None]

    self._normalized, self._assigned = normalized, assigned

  @functools.cached_property
  def fingerprint(self) -> str:
    """12 hex digits that change with any weight or setting."""
    params, kmeans = self._weights
    settings = {**settings_of(self._model), 'layer': self._layer}
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
        size=round(windows.WINDOW_SECONDS * frame_rate),
        margin=round(_MARGIN_SECONDS * frame_rate),
    )[..., 0]

  def features(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Float[np.ndarray, 'B T D']:
    """Features whose nearest centroids are the ids; clips of some seconds."""
    return np.asarray(self._normalized(self._weights, waveform, lengths))
