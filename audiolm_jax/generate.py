"""AudioLM: a prompt's tokens, three samplers one after another, a decoder."""

import itertools
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from audiolm_jax import audio
from audiolm_jax.bundle import Bundle, LanguageModel
from audiolm_jax.bundle_files import STAGES
from audiolm_jax.draft import Draft
from audiolm_jax.errors import UserError
from audiolm_jax.lm import sampler
from audiolm_jax.lm.sampling import Sampling
from audiolm_jax.tokens.layout import Codes

# Where more is wanted than a stage was trained on, the end of one window is
# the prompt of the next: 3 s of 10 s, as in SoundStorm's comparison (s. 4.2).
_OVERLAP = 0.3

Keys = Key[Array, ' B']


class Temperatures(NamedTuple):
  """Of the three stages; the defaults are AudioLM's (s. IV-B)."""

  semantic: float = 0.6
  coarse: float = 0.8
  fine: float = 0.6


AUDIOLM = Temperatures()


class Generation(NamedTuple):
  """A batch of samples; each begins with its prompt, decoded from its tokens.

  Attributes:
    waveform: What the codec makes of `acoustic`.
    semantic: Ids; behind the prompt repeats are dropped if the stage does so.
    acoustic: Codes of the levels that the last stage reaches.
  """

  waveform: Float[np.ndarray, 'B N']
  semantic: Int[np.ndarray, 'B T']
  acoustic: Int[np.ndarray, 'B T2 q']


class AudioLM:
  """Generates audio with the models of a bundle (AudioLM s. III-D).

  Every sample has a key of its own and depends on nothing else in the batch.
  Time is counted in units, the shortest whole number of frames of both kinds.
  """

  def __init__(self, bundle: Bundle, temperatures: Temperatures = AUDIOLM):
    """Takes the models out of the bundle.

    Raises:
      UserError: A stage is missing or does not fit the one before it.
    """
    self._tokenizers = bundle.tokenizers
    self._temperatures = temperatures._asdict()
    self._models = {
        name: bundle.language_model(name)
        for name in STAGES
        if name != 'fine' or name in bundle.language_models
    }
    _check_order(self._models, bundle.where)
    self._units_per_second = self._models['coarse'].stage.units_per_second
    self._frames_per_unit = self._models['coarse'].stage.frames_per_unit

  @property
  def sample_rate(self) -> int:
    """Of prompts and of what is generated, in Hz."""
    return self._tokenizers.sample_rate

  @property
  def hop_length(self) -> int:
    """Samples of a unit."""
    return self._tokenizers.hop_length

  def fit(
      self, waveforms: Float[np.ndarray, '*B N']
  ) -> Float[np.ndarray, '*B N2']:
    """Drops what is beyond whole units; pads what is shorter than one.

    All methods do this to what they are given: padding every prompt to the next
    unit would put silence between it and its continuation.
    """
    whole = waveforms.shape[-1] // self.hop_length * self.hop_length
    return audio.pad_to_multiple(
        waveforms[..., : whole or None], self.hop_length
    )

  def continuation(
      self, prompts: Float[np.ndarray, 'B N'], seconds: float, keys: Keys
  ) -> Generation:
    """Prolongs prompts by so many seconds, rounded to units."""
    prompt = self._tokenize(prompts)
    draft = prompt.prolonged(self._units_in(seconds))
    self._fill('semantic', draft, prompt.num_units, keys)
    return self._finish(draft, prompt.num_units, keys)

  def acoustic_generation(
      self, waveforms: Float[np.ndarray, 'B N'], keys: Keys
  ) -> Generation:
    """Keeps what is said or played; draws anew who does it, and where."""
    return self._finish(self._tokenize(waveforms), 0, keys)

  def unconditional(self, seconds: float, keys: Keys) -> Generation:
    """Generates from nothing."""
    num_levels = self._tokenizers.acoustic.num_quantizers
    nothing = Draft(
        np.zeros((len(keys), 0), np.int32),
        np.zeros((len(keys), 0, num_levels), np.int32),
        self._frames_per_unit,
    )
    draft = nothing.prolonged(self._units_in(seconds))
    self._fill('semantic', draft, 0, keys)
    return self._finish(draft, 0, keys)

  def _tokenize(self, waveforms: Float[np.ndarray, 'B N']) -> Draft:
    waveforms = self.fit(waveforms)
    lengths = np.full(len(waveforms), waveforms.shape[1], np.int32)
    return Draft(
        self._tokenizers.semantic.encode(waveforms, lengths),
        self._tokenizers.acoustic.encode(waveforms, lengths),
        self._frames_per_unit,
    )

  def _units_in(self, seconds: float) -> int:
    return max(round(seconds * self.sample_rate / self.hop_length), 1)

  def _finish(self, draft: Draft, num_done: int, keys: Keys) -> Generation:
    """Samples the acoustic codes after the prompt's, and decodes them all."""
    self._fill('coarse', draft, num_done, keys)
    if 'fine' in self._models:
      self._fill_chunks(draft, num_done, keys)
    num_levels = [*self._models.values()][-1].stage.target.levels.stop
    acoustic = draft.acoustic[..., :num_levels]
    waveform = self._tokenizers.acoustic.decode(acoustic)
    return Generation(waveform, draft.semantic, acoustic)

  def _fill(self, name: str, draft: Draft, num_done: int, keys: Keys) -> None:
    """Samples what a stage makes, from unit `num_done` on."""
    lm = self._models[name]
    target = lm.stage.target
    keys = _fold_in(keys, STAGES.index(name))
    for start, end in _windows(num_done, draft.num_units, self._crop(lm)):
      new = _sample(
          lm,
          draft.rows(start, end),
          draft.num_frames(target, num_done - start),
          _fold_in(keys, num_done),
          self._temperatures[name],
      )
      draft.write(target, num_done, new)
      num_done = end

  def _fill_chunks(self, draft: Draft, num_done: int, keys: Keys) -> None:
    """Samples the fine codes: chunks of all samples, one batch (s. III-C).

    The prompt's true codes stay; chunks start where it ends.
    """
    lm = self._models['fine']
    keys = _fold_in(keys, STAGES.index('fine'))
    size = self._crop(lm)
    starts = range(num_done, draft.num_units, size)
    chunks = [
        draft.rows(start, min(start + size, draft.num_units))
        for start in starts
    ]
    new = _sample(
        lm,
        list(itertools.chain(*chunks)),
        0,
        jnp.concatenate([_fold_in(keys, start) for start in starts]),
        self._temperatures['fine'],
    )
    for start, chunk in zip(starts, np.split(new, len(chunks)), strict=True):
      draft.write(lm.stage.target, start, chunk)

  def _crop(self, lm: LanguageModel) -> int:
    """How many units a stage can make at once.

    De-duplicated tokens have lost their time: no window can be cut from them.
    """
    if any(field.deduplicate for field in lm.stage.prefix):
      return sys.maxsize
    return max(int(lm.crop_seconds * float(self._units_per_second) + 1e-6), 1)


def _sample(
    lm: LanguageModel,
    rows: Sequence[Codes],
    num_prompt: int,
    keys: Keys,
    temperature: float,
) -> Int[np.ndarray, 'B T q']:
  """Target codes behind the first `num_prompt` frames, which all rows know."""
  stage, target = lm.stage, lm.stage.target
  num_prompt_ids = num_prompt * len(target.levels)
  num_ids = len(rows[0][target.source]) * len(target.levels) - num_prompt_ids
  ids = sampler.sample(
      lm.model,
      lm.weights,
      sampler.stack([stage.prompt(row, num_prompt, num_ids) for row in rows]),
      stage.candidates(num_ids, num_prompt_ids),
      keys,
      Sampling(temperature),
  )
  return np.stack([target.unflatten(row) for row in ids])


def _fold_in(keys: Keys, data: int) -> Keys:
  return jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, data)


def _windows(
    num_done: int, num_units: int, crop: int
) -> Iterator[tuple[int, int]]:
  """Windows of at most `crop` units that end where nothing is made yet."""
  while num_done < num_units:
    start = 0 if num_done < crop else num_done - int(_OVERLAP * crop)
    end = min(start + crop, num_units)
    yield start, end
    num_done = end


def _check_order(models: dict[str, LanguageModel], where: str) -> None:
  """Refuses stages that cannot follow each other."""
  coarse = models['coarse'].stage
  if models['semantic'].stage.target.deduplicate and not any(
      field.deduplicate for field in coarse.prefix
  ):
    raise UserError(
        f'{where}: the semantic stage drops repeated tokens and the coarse'
        ' stage wants them; train both with the same deduplicate.'
    )
  if 'fine' in models:
    given = models['fine'].stage.target.levels.start
    if given != coarse.target.levels.stop:
      raise UserError(
          f'{where}: the coarse stage makes {coarse.target.levels.stop} levels'
          f' and the fine stage wants {given}; train both with the same'
          ' num_coarse.'
      )
