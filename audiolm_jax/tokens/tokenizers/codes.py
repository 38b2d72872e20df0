"""Codes of a bottleneck as semantic tokens."""

import functools

import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from audiolm_jax import executables
from audiolm_jax.semantic_vq.model import BELOW_CODES, SemanticVq
from audiolm_jax.soundstream import quantizer
from audiolm_jax.tokens.tokenizers import windows
from audiolm_jax.tokens.tokenizers.fingerprints import fingerprint, settings_of


class CodeTokenizer:
  """The codes of a SemanticVq, behind the contract of SemanticTokenizer.

  Mean and deviation of a clip of up to 30 s are those of all of it; longer ones
  are encoded in windows of 30 s, each with its own.

  Attributes:
    centroids: Vectors that the ids stand for: the codes.
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

    @executables.jit(f'{model!r}')
    def features(weights, waveform, lengths):
      return model.apply(weights[0], waveform, lengths, method='encode')

    @executables.jit(f'{model!r}')
    def codes(weights, waveform, lengths):
      return quantizer.encode(features(weights, waveform, lengths), weights[1])

    self._features, self._codes = features, codes

  @functools.cached_property
  def fingerprint(self) -> str:
    """12 hex digits that change with any weight or setting below the codes."""
    above = ('decoder_', 'voice_')
    settings = {
        name: value
        for name, value in settings_of(self._model).items()
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
        size=round(windows.WINDOW_SECONDS * frame_rate),
        margin=self._model.receptive_frames,
    )[..., 0]

  def features(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Float[np.ndarray, 'B T D']:
    """Features whose nearest centroids are the ids; clips of some seconds."""
    return np.asarray(self._features(self._weights, waveform, lengths))
