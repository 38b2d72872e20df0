"""Waveforms to tokens and back: the one contract the rest of the house sees."""

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from audiolm_jax import speeds
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.sequence import Codes
from audiolm_jax.tokens.stages import Sizes
from audiolm_jax.tokens.tokenizers import other_voices


@runtime_checkable
class SemanticTokenizer(Protocol):
  """Waveforms to what is said or played.

  Attributes:
    sample_rate: In Hz.
    hop_length: Samples a frame.
    codebook_size: Number of different ids.
    fingerprint: 12 hex digits that change with anything that makes the tokens.
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


class Context(NamedTuple):
  """Numbers of frames around a frame that decoding depends on."""

  before: int
  after: int


@runtime_checkable
class AcousticTokenizer(Protocol):
  """Waveforms to how it sounds, and back.

  Attributes:
    sample_rate: In Hz.
    hop_length: Samples a frame.
    num_quantizers: Codes a frame, coarse ones first.
    codebook_size: Number of different codes a level.
    context: Numbers of frames around a frame that decoding it depends on.
    fingerprint: 12 hex digits that change with anything that makes the tokens.
  """

  sample_rate: int
  hop_length: int
  num_quantizers: int
  codebook_size: int
  context: Context
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
  """The tokens of one clip: what it says, and how it sounds."""

  semantic: Int[np.ndarray, ' T']
  acoustic: Int[np.ndarray, 'T2 Q']

  @property
  def codes(self) -> Codes:
    """Codes by source, as the stages take them."""
    return {SEMANTIC: self.semantic[:, None], ACOUSTIC: self.acoustic}


# Beam holds its models by weak references, which a NamedTuple cannot have.
@dataclasses.dataclass(frozen=True)
class Tokenizers:
  """A pair that hears the same audio.

  Attributes:
    semantic: Says what is said or played.
    acoustic: Says how it sounds.
    semantic_speeds: Speeds of which two are drawn for each clip. The semantic
      one hears it at one and the other by turns, so that its ids do not tell
      whose voice it is. None for clips as they are.
  """

  semantic: SemanticTokenizer
  acoustic: AcousticTokenizer
  semantic_speeds: tuple[float, ...] = ()

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
    """Sizes of both that the stages must know."""
    return Sizes(
        semantic_codebook_size=self.semantic.codebook_size,
        semantic_rate=self.sample_rate / self.semantic.hop_length,
        acoustic_codebook_size=self.acoustic.codebook_size,
        acoustic_rate=self.sample_rate / self.acoustic.hop_length,
        num_quantizers=self.acoustic.num_quantizers,
    )

  def encode(self, waveforms: list[Float[np.ndarray, ' _']]) -> list[Tokens]:
    """Tokens of clips of any lengths; each is padded to whole frames."""
    batch, lengths = _padded(waveforms, self.hop_length)
    codes = self.acoustic.encode(batch, lengths)
    frames = lengths // self.acoustic.hop_length
    if self.semantic_speeds:
      ids = self._ids_of_other_voices(waveforms)
    else:
      ids = self._ids(batch, lengths)
    return [Tokens(ids[i], codes[i, :count]) for i, count in enumerate(frames)]

  def _ids(
      self, batch: Float[np.ndarray, 'B N'], lengths: Int[np.ndarray, ' B']
  ) -> list[Int[np.ndarray, ' _']]:
    ids = self.semantic.encode(batch, lengths)
    frames = lengths // self.semantic.hop_length
    return [row[:count] for row, count in zip(ids, frames, strict=True)]

  def _ids_of_other_voices(
      self, waveforms: list[Float[np.ndarray, ' _']]
  ) -> list[Int[np.ndarray, ' _']]:
    """Ids of the clips at two speeds, which take turns on their own time."""
    random = [other_voices.draws(waveform) for waveform in waveforms]
    drawn = [other_voices.choose(self.semantic_speeds, r) for r in random]
    first, second = (
        self._ids_at(waveforms, chosen) for chosen in zip(*drawn, strict=True)
    )
    rate = self.sizes.semantic_rate
    return [
        other_voices.in_turns(*ids, rate, draws)
        for *ids, draws in zip(first, second, random, strict=True)
    ]

  def _ids_at(
      self, waveforms: list[Float[np.ndarray, ' _']], chosen: Sequence[float]
  ) -> list[Int[np.ndarray, ' _']]:
    """Ids of each clip played at its speed, laid back on its own time."""
    played = [
        speeds.played(waveform, speed, self.sample_rate)
        for waveform, speed in zip(waveforms, chosen, strict=True)
    ]
    heard = self._ids(*_padded(played, self.hop_length))
    hops = [-(-len(waveform) // self.hop_length) for waveform in waveforms]
    ratio = self.hop_length // self.semantic.hop_length
    return [
        other_voices.laid_back(ids, speed, count * ratio)
        for ids, speed, count in zip(heard, chosen, hops, strict=True)
    ]


def _padded(
    waveforms: list[Float[np.ndarray, ' _']], hop: int
) -> tuple[Float[np.ndarray, 'B N'], Int[np.ndarray, ' B']]:
  """A batch of whole hops, and how many samples of it each clip fills."""
  lengths = np.array([-(-len(clip) // hop) * hop for clip in waveforms])
  batch = np.zeros((len(waveforms), lengths.max()), np.float32)
  for row, clip in zip(batch, waveforms, strict=True):
    row[: len(clip)] = clip
  return batch, lengths


def tokenize(
    waveform: Float[np.ndarray, ' N'],
    semantic: SemanticTokenizer,
    acoustic: AcousticTokenizer,
) -> Tokens:
  """Tokens of one clip, padded to whole frames of both tokenizers."""
  return Tokenizers(semantic, acoustic).encode([waveform])[0]
