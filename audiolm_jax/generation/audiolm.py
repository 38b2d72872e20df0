"""AudioLM: a prompt's tokens, samplers one after another, a decoder."""

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from audiolm_jax import audio
from audiolm_jax.bundle import publishing
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.errors import UserError
from audiolm_jax.generation import takes
from audiolm_jax.generation.chain import CHAINS, Chain, Samplings, preferred
from audiolm_jax.generation.generations import Generation, Waveform
from audiolm_jax.generation.stage_sampler import Keys
from audiolm_jax.generation.tokens import TokenGenerator
from audiolm_jax.tokens.tokenizers.contract import Tokens
from audiolm_jax.tokens.tokenizers.stream_decoder import StreamDecoder


class AudioLM(publishing.Published):
  """Generates audio with the models of a bundle (AudioLM s. III-D).

  Every sample has a key of its own and depends on nothing else in the batch:
  prompts may be of different lengths. Time is counted in units, the shortest
  whole number of frames of both kinds.
  """

  def __init__(self, bundle: Bundle, chain: Chain | None = None):
    """Takes the models out of the bundle.

    Args:
      bundle: Its tokenizers are used, and its models if no others are given.
      chain: The models; None for SoundStorm where the bundle has one, else for
        the coarse and the fine stage, at the bundle's temperatures.

    Raises:
      UserError: A stage is missing or does not fit the one before it.
    """
    chain = chain or CHAINS[preferred(bundle)](bundle)
    self._tokenizers = bundle.tokenizers
    self._tokens = TokenGenerator(bundle.tokenizers, chain)
    self.folder = bundle.folder

  @classmethod
  def load(
      cls,
      path_or_name: str | os.PathLike,
      acoustics: str | None = None,
      samplings: Samplings | None = None,
  ) -> 'AudioLM':
    """Loads a folder, a bundle that comes with the package or one on the hub.

    Args:
      path_or_name: The folder, the name, or hf://ORG/NAME (@REVISION).
      acoustics: Kind of the models that make the sound, one of kinds.KINDS; by
        default SoundStorm where the bundle has one, else the coarse and fine
        stages.
      samplings: Ways to sample the models; by default at the bundle's
        temperatures.

    Raises:
      UserError: There is no such bundle, or it lacks a model.
    """
    bundle = Bundle.load(path_or_name)
    kind = acoustics or preferred(bundle)
    if kind not in CHAINS:
      raise UserError(f'acoustics={kind!r} is none of {", ".join(CHAINS)}.')
    return cls(bundle, CHAINS[kind](bundle, samplings))

  from_bundle = load  # The name of before, for one more release.

  @property
  def sample_rate(self) -> int:
    """Sample rate of prompts and of what is generated, in Hz."""
    return self._tokenizers.sample_rate

  @property
  def hop_length(self) -> int:
    """Samples of a unit."""
    return self._tokenizers.hop_length

  def continue_recording(
      self, recording: Any, seconds: float = 7.0, seed: int = 0
  ) -> takes.Take:
    """A recording (a file or a Sound) as it is, and so many seconds more.

    Raises:
      UserError: The recording cannot be read.
    """
    prompt = takes.read(recording, self.sample_rate)
    keys = jax.random.key(seed)[None]
    (made,) = self.continuation([prompt], seconds, keys)
    return takes.take(made, prompt, self.sample_rate)

  def continue_audio(
      self,
      waveform: Float[np.ndarray, ' N'] | Float[np.ndarray, 'N C'],
      sample_rate: int,
      seconds: float,
      key: Key[Array, ''],
  ) -> Waveform:
    """A recording, as the codec has it, and its continuation.

    Args:
      waveform: From -1 to 1; channels, the last axis, are averaged.
      sample_rate: Sample rate of the waveform, in Hz.
      seconds: Length of the continuation, in seconds.
      key: Key of the randomness, from jax.random.key.

    Returns:
      Mono at `self.sample_rate` Hz.
    """
    prompt = audio.convert(waveform, sample_rate, self.sample_rate)
    return self.continuation([prompt], seconds, key[None])[0].waveform

  def stream_audio(
      self,
      waveform: Float[np.ndarray, ' N'] | Float[np.ndarray, 'N C'],
      sample_rate: int,
      seconds: float,
      key: Key[Array, ''],
  ) -> Iterator[Waveform]:
    """Streams what `continue_audio` adds; `seconds` may be math.inf."""
    prompt = audio.convert(waveform, sample_rate, self.sample_rate)
    for (chunk,) in self.stream([prompt], seconds, key[None]):
      yield chunk

  def fit(self, waveform: Waveform) -> Waveform:
    """Drops what is beyond whole units.

    All methods do this to what they are given: padding would put silence
    between a prompt and its continuation. One shorter than a unit is none.
    """
    return waveform[: len(waveform) // self.hop_length * self.hop_length]

  def continuation(
      self, prompts: Sequence[Waveform], seconds: float, keys: Keys
  ) -> list[Generation]:
    """Prolongs prompts by so many seconds, rounded to units."""
    rows = self._tokenize(prompts)
    num_units = self._units_in(seconds)
    pieces = self._tokens.continuation(rows, num_units, num_units, keys)
    return [self._decode(*row) for row in zip(rows, *pieces, strict=True)]

  def unconditional(self, seconds: float, keys: Keys) -> list[Generation]:
    """Generates from nothing."""
    nothing = [np.zeros(0, np.float32)] * len(keys)
    return self.continuation(nothing, seconds, keys)

  def stream(
      self, prompts: Sequence[Waveform], seconds: float, keys: Keys
  ) -> Iterator[list[Waveform]]:
    """Streams what `continuation` adds, each chunk as soon as it is there.

    Memory does not grow, but for the tokens, some kilobytes a second; `seconds`
    may be math.inf. Chunks of rows that have ended are empty.
    """
    rows = self._tokenize(prompts)
    decoders = [
        StreamDecoder(self._tokenizers.acoustic, self._tokens.audible(row))
        for row in rows
    ]
    yield from self._stream(rows, seconds, keys, decoders)

  def stream_from_start(
      self, prompts: Sequence[Waveform], seconds: float, keys: Keys
  ) -> Iterator[list[Waveform]]:
    """The same behind the prompts, as the codec has them: a whole file."""
    rows = self._tokenize(prompts)
    nothing = self._tokens.audible(self._tokens.nothing)
    decoders = [StreamDecoder(self._tokenizers.acoustic, nothing) for _ in rows]
    yield [
        decoder.decode(self._tokens.audible(row))
        for decoder, row in zip(decoders, rows, strict=True)
    ]
    yield from self._stream(rows, seconds, keys, decoders)

  def _stream(
      self,
      prompts: Sequence[Tokens],
      seconds: float,
      keys: Keys,
      decoders: Sequence[StreamDecoder],
  ) -> Iterator[list[Waveform]]:
    num_units = math.inf if seconds == math.inf else self._units_in(seconds)
    for pieces in self._tokens.continuation(
        prompts, num_units, self._tokens.step, keys
    ):
      yield [
          decoder.decode(self._tokens.audible(piece))
          for decoder, piece in zip(decoders, pieces, strict=True)
      ]
    rest = [decoder.flush() for decoder in decoders]
    if any(map(len, rest)):
      yield rest

  def acoustic_generation(
      self,
      waveforms: Sequence[Waveform],
      keys: Keys,
      voices: Sequence[Waveform] | None = None,
  ) -> list[Generation]:
    """Keeps what is said or played; draws anew who does it, and where.

    Args:
      waveforms: Recordings whose semantic tokens are kept.
      keys: One for each.
      voices: Recordings of who shall do it; some seconds are enough.
    """
    voices = voices or [np.zeros(0, np.float32)] * len(waveforms)
    made = self._tokens.with_voices(
        self._tokenize(waveforms), self._tokenize(voices), keys
    )
    return [self._decode(self._tokens.nothing, tokens) for tokens in made]

  def _tokenize(self, waveforms: Sequence[Waveform]) -> list[Tokens]:
    """Tokens of the whole units of each waveform; what is left has none."""
    fitted = [self.fit(waveform) for waveform in waveforms]
    # Tokenizers are never asked about nothing: some have no frame to normalize.
    heard = iter(
        self._tokenizers.encode([w for w in fitted if len(w)])
        if any(map(len, fitted))
        else []
    )
    return [next(heard) if len(w) else self._tokens.nothing for w in fitted]

  def _units_in(self, seconds: float) -> int:
    return max(round(seconds * self.sample_rate / self.hop_length), 1)

  def _decode(self, prompt: Tokens, *pieces: Tokens) -> Generation:
    rows = [prompt, *pieces]
    tokens = Tokens(
        np.concatenate([row.semantic for row in rows]),
        np.concatenate([self._tokens.audible(row) for row in rows]),
    )
    codec = self._tokenizers.acoustic
    # Prompt and continuation are decoded as one: the codec hears the prompt
    # when it comes to the border, and there is no click.
    waveform = np.zeros(0, np.float32)
    if len(tokens.acoustic):
      waveform = codec.decode(tokens.acoustic[None])[0]
    return Generation(waveform, tokens, len(prompt.acoustic) * codec.hop_length)
