"""Tokens of prompts in, those of what follows out."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int

from audiolm_jax.errors import UserError
from audiolm_jax.generation.canvas import Canvas
from audiolm_jax.generation.chain import Chain
from audiolm_jax.generation.stage_sampler import Keys, fold_in, spans
from audiolm_jax.tokens.fields import ACOUSTIC
from audiolm_jax.tokens.tokenizers.contract import Tokenizers, Tokens


class TokenGenerator:
  """Continues tokens with the models of a chain.

  Attributes:
    step: Units that are best made at a time, to be heard soon.
    nothing: Tokens of no time at all.
  """

  def __init__(self, tokenizers: Tokenizers, chain: Chain):
    """Takes the models over."""
    self._tokenizers = tokenizers
    self._semantic, self._acoustics = chain.semantic, chain.acoustics
    self._frames_per_unit = chain.clock.frames_per_unit
    # Sampled tokens without repeats have lost their time.
    self._keeps_time = (
        not chain.semantic or not chain.semantic.stage.target.deduplicate
    )
    self._num_quantizers = tokenizers.acoustic.num_quantizers
    self.step = chain.acoustics.step
    self.nothing = Tokens(
        np.zeros(0, np.int32), np.zeros((0, self._num_quantizers), np.int32)
    )

  def audible(self, tokens: Tokens) -> Int[np.ndarray, 'T q']:
    """Codes of the levels that are made."""
    return tokens.acoustic[:, : self._acoustics.num_levels]

  def continuation(
      self,
      prompts: Sequence[Tokens],
      num_units: int | float,
      step: int,
      keys: Keys,
  ) -> Iterator[list[Tokens]]:
    """Yields what follows each prompt, at most `step` units at a time.

    Args:
      prompts: Prompts of each row; they may be of different lengths.
      num_units: Number of units to generate; may be infinite.
      step: A multiple of `self.step`, or all units; changes no token.
      keys: One for each row.
    """
    if not self._keeps_time:
      yield from self._continue_by_ear(prompts, num_units, keys)
      return
    canvas = self._canvas(prompts)
    for start, end in spans(0, num_units, step):
      self._prolong(canvas, start, end, keys)
      pieces = [
          canvas.tokens(row, start, end) for row in range(canvas.num_rows)
      ]
      if not self._semantic:
        nothing = self.nothing.semantic
        pieces = [Tokens(nothing, piece.acoustic) for piece in pieces]
      yield pieces
      if not any(len(piece.acoustic) for piece in pieces):
        return

  def with_voices(
      self, said: Sequence[Tokens], voices: Sequence[Tokens], keys: Keys
  ) -> list[Tokens]:
    """Keeps semantic tokens; the codes go on where those of voices end.

    Raises:
      UserError: The models do not hear semantic tokens.
    """
    if not self._semantic:
      raise UserError(
          'Codes that follow from codes alone say nothing that is given; use'
          ' models with a semantic stage.'
      )
    canvas = self._canvas(voices)
    num_units = canvas.say(said)
    self._acoustics.fill(canvas, 0, num_units, keys)
    return [canvas.tokens(row, 0, num_units) for row in range(canvas.num_rows)]

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
      canvas = self._canvas(prompts)
      self._prolong(canvas, 0, end - start, fold_in(keys, number))
      pieces = [
          self.nothing if over else canvas.tokens(row, 0, end - start)
          for row, over in enumerate(ended)
      ]
      yield pieces
      prompts = [
          self._hear(prompt, piece)
          for prompt, piece in zip(prompts, pieces, strict=True)
      ]
      wanted = (end - start) * self._frames_per_unit[ACOUSTIC]
      ended = [len(piece.acoustic) < wanted for piece in pieces]
      if all(ended):
        return

  def _prolong(self, canvas: Canvas, start: int, end: int, keys: Keys) -> None:
    canvas.prolong(end - start)
    if self._semantic:
      for first, stop in spans(start, end, self._acoustics.step):
        self._semantic.fill(canvas, first, stop, keys)
    self._acoustics.fill(canvas, start, end, keys)

  def _hear(self, prompt: Tokens, piece: Tokens) -> Tokens:
    """Tokens of the end of both together, the semantic ones by ear."""
    acoustic = np.concatenate([prompt.acoustic, piece.acoustic])
    memory = self._acoustics.crop - self._acoustics.step
    num_frames = min(memory * self._frames_per_unit[ACOUSTIC], len(acoustic))
    codec = self._tokenizers.acoustic
    heard = self.audible(Tokens(piece.semantic, acoustic))
    waveform = codec.decode(heard[None])
    waveform = waveform[:, waveform.shape[1] - num_frames * codec.hop_length :]
    lengths = np.array([waveform.shape[1]], np.int32)
    (semantic,) = self._tokenizers.semantic.encode(waveform, lengths)
    return Tokens(semantic, acoustic[len(acoustic) - num_frames :])

  def _canvas(self, prompts: Sequence[Tokens]) -> Canvas:
    return Canvas(prompts, self._num_quantizers, self._frames_per_unit)
