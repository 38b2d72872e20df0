"""A semantic tokenizer beside a codec that hears another sample rate."""

import hashlib

import numpy as np
import soxr
from jaxtyping import Float, Int

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.tokenizers.clusters import ClusterTokenizer
from audiolm_jax.tokens.tokenizers.codes import CodeTokenizer


class Resampled:
  """Hears audio of the codec's rate, and resamples it to the model's own.

  Attributes:
    sample_rate: Sample rate of the audio that it is given, in Hz.
    hop_length: Samples of that rate a frame.
    codebook_size: Number of different ids.
    centroids: Centroids of the model's features, one an id.
    fingerprint: Fingerprint of the model and of the rate.
  """

  def __init__(
      self, tokenizer: ClusterTokenizer | CodeTokenizer, sample_rate: int
  ):
    """Resamples for `tokenizer` whatever comes at `sample_rate`.

    Raises:
      UserError: A frame is no whole number of samples of that rate.
    """
    hop, rest = divmod(
        tokenizer.hop_length * sample_rate, tokenizer.sample_rate
    )
    if rest:
      raise UserError(
          f'A frame of the semantic tokenizer, {tokenizer.hop_length} samples'
          f' at {tokenizer.sample_rate} Hz, is no whole number of samples at'
          f" the codec's {sample_rate} Hz; use another codec."
      )
    self.sample_rate, self.hop_length = sample_rate, hop
    self.codebook_size = tokenizer.codebook_size
    self.centroids = tokenizer.centroids
    text = f'{tokenizer.fingerprint} at {sample_rate} Hz'
    self.fingerprint = hashlib.sha256(text.encode()).hexdigest()[:12]
    self._tokenizer = tokenizer

  def encode(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Int[np.ndarray, 'B T']:
    """One id a frame."""
    return self._tokenizer.encode(*self._resample(waveform, lengths))

  def features(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Float[np.ndarray, 'B T D']:
    """Features whose nearest centroids are the ids."""
    return self._tokenizer.features(*self._resample(waveform, lengths))

  def _resample(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> tuple[Float[np.ndarray, 'B M'], Int[np.ndarray, ' B']]:
    """Each row alone, so that what follows its end is not heard."""
    inner = self._tokenizer
    num_frames = -(-waveform.shape[1] // self.hop_length)
    shape = len(waveform), num_frames * inner.hop_length
    resampled = np.zeros(shape, np.float32)
    ends = np.zeros(len(waveform), np.int32)
    for i, length in enumerate(lengths.tolist()):
      end = ends[i] = length * inner.sample_rate // self.sample_rate
      clip = waveform[i, :length]
      heard = soxr.resample(clip, self.sample_rate, inner.sample_rate)[:end]
      resampled[i, : len(heard)] = heard
    return resampled, ends
