"""Continuations by a model that still learns, to listen to as it does."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, PyTree

from audiolm_jax import audio
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.parts import Part
from audiolm_jax.errors import UserError
from audiolm_jax.generation import kinds
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.generation.chain import CHAINS, preferred
from audiolm_jax.sound import finding
from audiolm_jax.training.state import Waveform

# What makes the sound when this part is the one that learns.
_ACOUSTICS = {
    'coarse': kinds.AUTOREGRESSIVE,
    'fine': kinds.AUTOREGRESSIVE,
    'soundstorm': kinds.PARALLEL,
}


@dataclasses.dataclass(frozen=True)
class Hearing:
  """Continues recordings with a bundle of which one part is in training.

  Seeds stay, so that what changes between evaluations is the model.

  Attributes:
    bundle: A folder, a name or hf://ORG/NAME: the other parts.
    prompts: Paths or globs of recordings.
    prompt_seconds: Length of each beginning that is continued, in seconds.
    seconds: Length of the continuation, in seconds.
  """

  bundle: str
  prompts: Sequence[str]
  prompt_seconds: float = 3.0
  seconds: float = 5.0

  def check(self, config: Mapping[str, Any]) -> None:
    """Looks whether a model would fit, before it is trained.

    Raises:
      UserError: The model learns other tokens than the bundle's, or there is no
        prompt.
    """
    self._with(config, {})
    if not self._recordings:
      raise UserError(f'There is no recording at {", ".join(self.prompts)}.')

  def __call__(
      self, config: Mapping[str, Any], params: PyTree
  ) -> dict[str, Waveform]:
    """The continuations by a model with these parameters."""
    bundle = self._with(config, {'params': jax.device_get(params)})
    kind = _ACOUSTICS.get(config['stage']['name']) or preferred(bundle)
    lm = AudioLM(bundle, CHAINS[kind](bundle, None))
    rate = lm.sample_rate
    prompts = [
        audio.read(path, rate)[: round(self.prompt_seconds * rate)]
        for path in self._recordings
    ]
    keys = jax.random.split(jax.random.key(0), len(prompts))
    made = lm.continuation(prompts, self.seconds, keys)
    return {
        'continuations': Waveform(_padded([m.waveform for m in made]), rate)
    }

  def _with(self, config: Mapping[str, Any], arrays: PyTree) -> Bundle:
    name = config['stage']['name']
    parts = dict(self._base.parts)
    if name in parts:
      kept = {'temperature': parts[name].config.get('temperature')}
      config = {**config, **{k: v for k, v in kept.items() if v is not None}}
    parts[name] = Part(dict(config), arrays)
    # Its modules have just made the arrays.
    return Bundle(parts, self.bundle, trusted=True, folder=self._base.folder)

  @functools.cached_property
  def _base(self) -> Bundle:
    return Bundle.load(self.bundle)

  @functools.cached_property
  def _recordings(self) -> list[str]:
    return [p for each in self.prompts for p in finding.matching(each)]


def _padded(
    waveforms: Sequence[Float[np.ndarray, ' _']],
) -> Float[np.ndarray, 'B N']:
  """Rows of one length: silence follows what ended early."""
  longest = max(map(len, waveforms))
  return np.stack([np.pad(w, (0, longest - len(w))) for w in waveforms])
