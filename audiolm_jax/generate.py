"""AudioLM: a prompt's tokens, samplers one after another, a decoder."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int, Key

from audiolm_jax import audio
from audiolm_jax.acoustics import Acoustics, Autoregressive
from audiolm_jax.bundle import Bundle
from audiolm_jax.chain import AUDIOLM, Samplings, samplers
from audiolm_jax.draft import Draft
from audiolm_jax.stage_sampler import Keys, fold_in, spans
from audiolm_jax.tokens.fields import ACOUSTIC
from audiolm_jax.tokens.stream_decoder import StreamDecoder
from audiolm_jax.tokens.tokenizers import Tokens

Waveform = Float[np.ndarray, ' _']


# Over which a prompt that is kept gives way to what the codec made of it.
_FADE_SECONDS = 0.02


class Generation(NamedTuple):
  """A sample; it begins with its prompt, decoded from its tokens.

  Attributes:
    waveform: What the codec makes of `tokens`.
    tokens: Semantic ids, without repeats behind the prompt if the stage drops
      them, and codes of the levels that the last stage reaches.
    prompt_samples: How much of the waveform is the prompt.
  """

  waveform: Waveform
  tokens: Tokens
  prompt_samples: int


class AudioLM:
  """Generates audio with the models of a bundle (AudioLM s. III-D).

  Every sample has a key of its own and depends on nothing else in the batch:
  prompts may be of different lengths. Time is counted in units, the shortest
  whole number of frames of both kinds.
  """

  def __init__(
      self,
      bundle: Bundle,
      samplings: Samplings = AUDIOLM,
      may_end: bool = False,
  ):
    """Takes the models out of the bundle.

    Args:
      bundle: Its stages have to fit each other.
      samplings: How they sample.
      may_end: Whether a continuation may be shorter than was asked for, because
        the models say that the recording is over.

    Raises:
      UserError: A stage is missing or does not fit the one before it.
    """
    self._tokenizers = bundle.tokenizers
    stages = samplers(bundle, samplings, may_end)
    self._semantic = stages['semantic']
    self._acoustics: Acoustics = Autoregressive(
        stages['coarse'], stages.get('fine')
    )
    self._frames_per_unit = stages['coarse'].stage.frames_per_unit
    # Sampled tokens without repeats have lost their time.
    self._keeps_time = not self._semantic.stage.target.deduplicate

  @classmethod
  def from_bundle(
      cls, path_or_name: str | os.PathLike, samplings: Samplings = AUDIOLM
  ) -> 'AudioLM':
    """Of a folder, or of a bundle that comes with the package."""
    return cls(Bundle.load(path_or_name), samplings)

  @property
  def sample_rate(self) -> int:
    """Of prompts and of what is generated, in Hz."""
    return self._tokenizers.sample_rate

  @property
  def hop_length(self) -> int:
    """Samples of a unit."""
    return self._tokenizers.hop_length

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
      sample_rate: Of the waveform, in Hz.
      seconds: How much to add.
      key: Of the randomness, from jax.random.key.

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
    """What `continue_audio` adds, chunk by chunk; `seconds` may be math.inf."""
    prompt = audio.convert(waveform, sample_rate, self.sample_rate)
    for (chunk,) in self.stream([prompt], seconds, key[None]):
      yield chunk

  def fit(self, waveform: Waveform) -> Waveform:
    """Drops what is beyond whole units.

    All methods do this to what they are given: padding a prompt to the next
    unit would put silence between it and its continuation. A prompt shorter
    than a unit is none.
    """
    return waveform[: len(waveform) // self.hop_length * self.hop_length]

  def continuation(
      self, prompts: Sequence[Waveform], seconds: float, keys: Keys
  ) -> list[Generation]:
    """Prolongs prompts by so many seconds, rounded to units."""
    rows = self._tokenize(prompts)
    num_units = self._units_in(seconds)
    pieces = zip(*self._continue(rows, num_units, num_units, keys), strict=True)
    return [
        self._decode(row, more) for row, more in zip(rows, pieces, strict=True)
    ]

  def unconditional(self, seconds: float, keys: Keys) -> list[Generation]:
    """Generates from nothing."""
    nothing = [np.zeros(0, np.float32)] * len(keys)
    return self.continuation(nothing, seconds, keys)

  def stream(
      self, prompts: Sequence[Waveform], seconds: float, keys: Keys
  ) -> Iterator[list[Waveform]]:
    """What `continuation` adds to prompts, each chunk as soon as it is there.

    Memory does not grow, but for the tokens, some kilobytes a second; `seconds`
    may be math.inf. Chunks of rows that have ended are empty.
    """
    rows = self._tokenize(prompts)
    num_units = math.inf if seconds == math.inf else self._units_in(seconds)
    decoders = [
        StreamDecoder(self._tokenizers.acoustic, self._audible(row))
        for row in rows
    ]
    for pieces in self._continue(rows, num_units, self._acoustics.step, keys):
      yield [
          decoder.decode(self._audible(piece))
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
      waveforms: Whose semantic tokens are kept.
      keys: One for each.
      voices: Recordings of who shall do it; some seconds are enough.
    """
    said = self._tokenize(waveforms)
    draft = self._draft(
        self._tokenize(voices or [np.zeros(0, np.float32)] * len(said))
    )
    num_units = draft.say(said)
    self._acoustics.fill(draft, 0, num_units, keys)
    return [
        self._decode(self._nothing, [draft.tokens(row, 0, num_units)])
        for row in range(draft.num_rows)
    ]

  def _continue(
      self,
      prompts: Sequence[Tokens],
      num_units: int | float,
      step: int,
      keys: Keys,
  ) -> Iterator[list[Tokens]]:
    """What follows each prompt, at most `step` units at a time."""
    if not self._keeps_time:
      yield from self._continue_by_ear(prompts, num_units, keys)
      return
    draft = self._draft(prompts)
    for start, end in spans(0, num_units, step):
      self._prolong(draft, start, end, keys)
      pieces = [draft.tokens(row, start, end) for row in range(draft.num_rows)]
      if not any(len(piece.acoustic) for piece in pieces):
        return
      yield pieces

  def _continue_by_ear(
      self, prompts: Sequence[Tokens], num_units: int | float, keys: Keys
  ) -> Iterator[list[Tokens]]:
    """The same where sampled semantic tokens do not tell how long they last.

    No window can be cut from them: what was made is listened to, and the end of
    it is the next prompt (SoundStorm s. 4.2).
    """
    ended = [False] * len(prompts)
    for number, (start, end) in enumerate(
        spans(0, num_units, self._acoustics.step)
    ):
      draft = self._draft(prompts)
      self._prolong(draft, 0, end - start, fold_in(keys, number))
      pieces = [
          self._nothing if over else draft.tokens(row, 0, end - start)
          for row, over in enumerate(ended)
      ]
      if all(ended):
        return
      yield pieces
      prompts = [
          self._hear(prompt, piece)
          for prompt, piece in zip(prompts, pieces, strict=True)
      ]
      wanted = (end - start) * self._frames_per_unit[ACOUSTIC]
      ended = [len(piece.acoustic) < wanted for piece in pieces]

  def _prolong(self, draft: Draft, start: int, end: int, keys: Keys) -> None:
    draft.prolong(end - start)
    for first, stop in spans(start, end, self._acoustics.step):
      self._semantic.fill(draft, first, stop, keys)
    self._acoustics.fill(draft, start, end, keys)

  def _hear(self, prompt: Tokens, piece: Tokens) -> Tokens:
    """Tokens of the end of both together, the semantic ones by ear."""
    acoustic = np.concatenate([prompt.acoustic, piece.acoustic])
    memory = self._acoustics.crop - self._acoustics.step
    num_frames = min(memory * self._frames_per_unit[ACOUSTIC], len(acoustic))
    num_levels = self._acoustics.num_levels
    codec = self._tokenizers.acoustic
    waveform = codec.decode(acoustic[None, :, :num_levels])
    waveform = waveform[:, waveform.shape[1] - num_frames * codec.hop_length :]
    lengths = np.array([waveform.shape[1]], np.int32)
    (semantic,) = self._tokenizers.semantic.encode(waveform, lengths)
    return Tokens(semantic, acoustic[len(acoustic) - num_frames :])

  def _tokenize(self, waveforms: Sequence[Waveform]) -> list[Tokens]:
    """Of the whole units of each; the others have no tokens."""
    fitted = [self.fit(waveform) for waveform in waveforms]
    heard = iter(
        self._tokenizers.encode([w for w in fitted if len(w)])
        if any(map(len, fitted))
        else []
    )
    return [next(heard) if len(w) else self._nothing for w in fitted]

  @property
  def _nothing(self) -> Tokens:
    num_levels = self._tokenizers.acoustic.num_quantizers
    return Tokens(np.zeros(0, np.int32), np.zeros((0, num_levels), np.int32))

  def _draft(self, prompts: Sequence[Tokens]) -> Draft:
    num_levels = self._tokenizers.acoustic.num_quantizers
    return Draft(prompts, num_levels, self._frames_per_unit)

  def _units_in(self, seconds: float) -> int:
    return max(round(seconds * self.sample_rate / self.hop_length), 1)

  def _audible(self, tokens: Tokens) -> Int[np.ndarray, 'T q']:
    return tokens.acoustic[:, : self._acoustics.num_levels]

  def _decode(self, prompt: Tokens, pieces: Iterable[Tokens]) -> Generation:
    all_of_it = [prompt, *pieces]
    acoustic = np.concatenate([self._audible(each) for each in all_of_it])
    semantic = np.concatenate([each.semantic for each in all_of_it])
    codec = self._tokenizers.acoustic
    return Generation(
        codec.decode(acoustic[None])[0]
        if len(acoustic)
        else np.zeros(0, np.float32),
        Tokens(semantic, acoustic),
        len(prompt.acoustic) * codec.hop_length,
    )


def keep_prompt(
    generation: Generation, prompt: Waveform, sample_rate: int
) -> Waveform:
  """A generation with its true prompt, which gives way within 20 ms.

  Args:
    generation: Of a prompt.
    prompt: The same; what is beyond whole units is not used.
    sample_rate: Of both, in Hz.
  """
  end = generation.prompt_samples
  fade = min(round(_FADE_SECONDS * sample_rate), end)
  weight = np.ones(end, np.float32)
  weight[end - fade :] = np.linspace(1, 0, fade, dtype=np.float32)
  waveform = generation.waveform.copy()
  waveform[:end] = weight * prompt[:end] + (1 - weight) * waveform[:end]
  return waveform
