"""Waveforms to tokens and back: the one contract the rest of the house sees."""

import dataclasses
import functools
import hashlib
import json
import math
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from flax import linen as nn
from flax import traverse_util
from jaxtyping import Array, Float, Int, PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.soundstream import quantizer
from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.tokens import windows
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.stages import Codes, Sizes
from audiolm_jax.w2v_bert import kmeans as clustering
from audiolm_jax.w2v_bert.kmeans import KMeans
from audiolm_jax.w2v_bert.model import W2vBert

# Longer clips are encoded in windows. The codec hears less than a second back;
# the semantic model was trained on crops no longer than a window.
_WINDOW_SECONDS = 30.0
_CODEC_MARGIN_SECONDS = 1.0
_SEMANTIC_MARGIN_SECONDS = 2.5


@runtime_checkable
class SemanticTokenizer(Protocol):
  """Waveforms to what is said or played.

  Attributes:
    sample_rate: In Hz.
    hop_length: Samples a frame.
    codebook_size: Number of different ids.
    fingerprint: 12 hex digits that change with any weight or setting.
  """

  sample_rate: int
  hop_length: int
  codebook_size: int
  fingerprint: str

  def encode(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Int[np.ndarray, 'B T']:
    """One id a frame; N is a multiple of the hop, lengths count samples.

    A clip's tokens do not depend on its padding nor on the rest of the batch.
    Frames past the end of a clip are 0.
    """
    ...


@runtime_checkable
class AcousticTokenizer(Protocol):
  """Waveforms to how it sounds, and back.

  Attributes:
    sample_rate: In Hz.
    hop_length: Samples a frame.
    num_quantizers: Codes a frame, coarse ones first.
    codebook_size: Number of different codes a level.
    fingerprint: 12 hex digits that change with any weight or setting.
  """

  sample_rate: int
  hop_length: int
  num_quantizers: int
  codebook_size: int
  fingerprint: str

  def encode(
      self, waveform: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> Int[np.ndarray, 'B T Q']:
    """Codes of all levels, under the same terms as semantic ids."""
    ...

  def decode(self, codes: Int[np.ndarray, 'B T q']) -> Float[np.ndarray, 'B N']:
    """Codes of the first q levels to waveforms of T * hop_length samples."""
    ...


class Tokens(NamedTuple):
  """What one clip says, and how it sounds."""

  semantic: Int[np.ndarray, ' T']
  acoustic: Int[np.ndarray, 'T2 Q']

  @property
  def codes(self) -> Codes:
    """As the stages take them."""
    return {SEMANTIC: self.semantic[:, None], ACOUSTIC: self.acoustic}


# Beam holds its models by weak references, which a NamedTuple cannot have.
@dataclasses.dataclass(frozen=True)
class Tokenizers:
  """A pair that hears the same audio."""

  semantic: SemanticTokenizer
  acoustic: AcousticTokenizer

  @property
  def sample_rate(self) -> int:
    """In Hz, of both.

    Raises:
      UserError: They differ.
    """
    rates = self.semantic.sample_rate, self.acoustic.sample_rate
    if rates[0] != rates[1]:
      raise UserError(
          f'The semantic tokenizer {self.semantic.fingerprint} hears'
          f' {rates[0]} Hz, the codec {self.acoustic.fingerprint} {rates[1]}'
          ' Hz; train one of them anew.'
      )
    return rates[0]

  @property
  def hop_length(self) -> int:
    """Samples of the shortest piece that both see whole."""
    return math.lcm(self.semantic.hop_length, self.acoustic.hop_length)

  @property
  def sizes(self) -> Sizes:
    """What the stages must know of them."""
    return Sizes(
        semantic_codebook_size=self.semantic.codebook_size,
        semantic_rate=self.sample_rate / self.semantic.hop_length,
        acoustic_codebook_size=self.acoustic.codebook_size,
        acoustic_rate=self.sample_rate / self.acoustic.hop_length,
        num_quantizers=self.acoustic.num_quantizers,
    )

  def encode(self, waveforms: list[Float[np.ndarray, ' _']]) -> list[Tokens]:
    """Tokens of clips of any lengths; each is padded to whole frames."""
    hop = self.hop_length
    lengths = np.array([-(-len(clip) // hop) * hop for clip in waveforms])
    batch = np.zeros((len(waveforms), lengths.max()), np.float32)
    for row, clip in zip(batch, waveforms, strict=True):
      row[: len(clip)] = clip
    semantic = self.semantic.encode(batch, lengths)
    acoustic = self.acoustic.encode(batch, lengths)
    return [
        Tokens(
            semantic[i, : length // self.semantic.hop_length],
            acoustic[i, : length // self.acoustic.hop_length],
        )
        for i, length in enumerate(lengths)
    ]


def tokenize(
    waveform: Float[np.ndarray, ' N'],
    semantic: SemanticTokenizer,
    acoustic: AcousticTokenizer,
) -> Tokens:
  """Tokens of one clip, padded to whole frames of both tokenizers."""
  return Tokenizers(semantic, acoustic).encode([waveform])[0]


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
    """12 hex digits that change with any weight or setting."""
    return fingerprint(self._model, self._variables)

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
    arrays = params, kmeans._asdict()
    return fingerprint(self._model, arrays, layer=self._layer)

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


def fingerprint(model: nn.Module, arrays: PyTree, **settings: int) -> str:
  """12 hex digits of a model's fields, settings and weights."""
  fields = {
      field.name: getattr(model, field.name)
      for field in dataclasses.fields(model)
      if field.name not in ('parent', 'name', 'dtype')
  }
  digest = hashlib.sha256()
  digest.update(json.dumps([fields, settings], sort_keys=True).encode())
  parts = dict(enumerate(arrays))
  leaves = traverse_util.flatten_dict(jax.device_get(parts))
  for path in sorted(leaves, key=str):
    leaf = np.ascontiguousarray(leaves[path])
    digest.update(f'{path} {leaf.dtype} {leaf.shape}'.encode())
    digest.update(leaf.tobytes())
  return digest.hexdigest()[:12]
