"""The models behind the page and HTTP, asked one at a time."""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from audiolm_jax.audio import Sound
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.classifier import listening
from audiolm_jax.classifier.clips import ClipClassifier
from audiolm_jax.classifier.listening import Heard
from audiolm_jax.errors import UserError
from audiolm_jax.generation import chain
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.generation.beginnings import begin_stream_with
from audiolm_jax.generation.chain import CHAINS, Samplings
from audiolm_jax.serving.line import Line

Waveform = Float[np.ndarray, ' _']

MOST_SECONDS = 30.0
MOST_SAMPLES = 4
# Acoustics of the page, and the parts that they need.
_PARTS = {
    'parallel': ('semantic', 'soundstorm'),
    'autoregressive': ('semantic', 'coarse'),
}
_KEPT_MODELS = 8


class Wish(NamedTuple):
  """Settings of the continuations of a prompt.

  Attributes:
    seconds: Length of what is added, in seconds, at most MOST_SECONDS.
    num_samples: Number of continuations, 1 to MOST_SAMPLES.
    seed: Seed of the randomness.
    acoustics: One of `Model.acoustics`; None is the bundle's own choice.
    temperatures: Pairs of a model's name and its temperature; those of other
      models are the bundle's.
    keep_prompt: Whether the prompt is heard as it is, and not as the codec has
      it.
  """

  seconds: float = 7.0
  num_samples: int = 1
  seed: int = 0
  acoustics: str | None = None
  temperatures: tuple[tuple[str, float], ...] = ()
  keep_prompt: bool = True

  def check(self) -> 'Wish':
    """Returns the wish itself, whose numbers are within their bounds.

    Raises:
      UserError: A number is out of bounds.
    """
    if not 0 < self.seconds <= MOST_SECONDS:
      raise UserError(f'Ask for more than 0 s, and at most {MOST_SECONDS:g} s.')
    if not 1 <= self.num_samples <= MOST_SAMPLES:
      raise UserError(f'Ask for 1 to {MOST_SAMPLES} samples.')
    if not 0 <= self.seed < 2**32:
      raise UserError('A seed is a whole number from 0 to 4294967295.')
    return self


class Model:
  """A bundle, a detector and the line in front of both.

  Attributes:
    bundle: The models.
    line: Whoever generates holds its turn.
    acoustics: Ways to make the sound of semantic tokens, the default first.
  """

  def __init__(self, bundle: Bundle, detector: ClipClassifier):
    """Takes the models over.

    Raises:
      UserError: The bundle cannot generate.
    """
    self.bundle, self.line, self._detector = bundle, Line(), detector
    first = chain.preferred(bundle)
    able = [kind for kind in _PARTS if set(_PARTS[kind]) <= set(bundle.parts)]
    self.acoustics = sorted(able, key=lambda kind: kind != first)
    self._with = functools.lru_cache(_KEPT_MODELS)(self._build)
    self._default = self._lm(Wish())

  @property
  def sample_rate(self) -> int:
    """Sample rate of all that goes in and comes out, in Hz."""
    return self._default.sample_rate

  @property
  def temperatures(self) -> dict[str, float]:
    """Temperatures of the models where a wish names none, by model."""
    return {
        name: sampling.temperature
        for name, sampling in chain.recommended(self.bundle)._asdict().items()
        if name in self.bundle.parts
    }

  def num_prompt_samples(self, prompt: Waveform) -> int:
    """The number of samples of a continuation that are the prompt."""
    return len(self._default.fit(prompt))

  def num_samples(self, prompt: Waveform, wish: Wish) -> int:
    """The number of samples of a continuation, its prompt included."""
    hop = self._default.hop_length
    units = max(round(wish.seconds * self.sample_rate / hop), 1)
    return self.num_prompt_samples(prompt) + units * hop

  def stream(self, prompt: Waveform, wish: Wish) -> Iterator[list[Waveform]]:
    """The prompt and its continuations, in chunks.

    Only who holds the turn of the line calls this.

    Yields:
      A chunk of each continuation, as soon as it is there.
    """
    keys = _keys(wish.seed, wish.num_samples)
    prompts = [self._default.fit(prompt)] * wish.num_samples
    chunks = self._lm(wish).stream_from_start(prompts, wish.seconds, keys)
    if wish.keep_prompt:
      chunks = begin_stream_with(prompts, chunks, self.sample_rate)
    yield from chunks

  def copy(self, recording: Waveform) -> Waveform:
    """The recording as the codec has it."""
    seconds = self._default.hop_length / self.sample_rate
    stream = self._default.stream_from_start([recording], seconds, _keys(0, 1))
    # What follows the prompt is not made before it is asked for.
    return next(stream)[0]

  def another_voice(
      self, said: Waveform, voice: Waveform | None, seed: int
  ) -> Waveform:
    """The words of `said` in the voice of `voice`, or in a new one if None."""
    voices = None if voice is None else [voice]
    made = self._default.acoustic_generation([said], _keys(seed, 1), voices)
    return made[0].waveform

  def hear(self, waveform: Waveform) -> Heard:
    """The detector's verdict on a waveform."""
    return listening.listen(self._detector, Sound(waveform, self.sample_rate))

  @property
  def labels(self) -> Sequence[str]:
    """Names of the classes that the detector tells apart."""
    return self._detector.labels

  def _lm(self, wish: Wish) -> AudioLM:
    kind = wish.acoustics or chain.preferred(self.bundle)
    temperatures = self.bundle.temperatures | dict(wish.temperatures)
    return self._with(kind, chain.at_temperatures(chain.AUDIOLM, temperatures))

  def _build(self, kind: str, samplings: Samplings) -> AudioLM:
    if kind not in CHAINS:
      raise UserError(f'acoustics={kind!r} is none of {", ".join(CHAINS)}.')
    return AudioLM(self.bundle, CHAINS[kind](self.bundle, samplings))


def _keys(seed: int, num_samples: int) -> Key[Array, ' B']:
  """A key for each sample; it does not depend on how many there are."""
  of = jax.vmap(jax.random.fold_in, (None, 0))
  return of(jax.random.key(seed), np.arange(num_samples))
