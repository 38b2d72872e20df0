"""Generations of AudioLM: samples with their tokens."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax.tokens.tokenizers.contract import Tokens

Waveform = Float[np.ndarray, ' _']


class Generation(NamedTuple):
  """A sample; it begins with its prompt, decoded from its tokens.

  Attributes:
    waveform: Samples that the codec decodes from `tokens`.
    tokens: Semantic ids, without repeats behind the prompt if the stage drops
      them and none there if no stage makes them, and codes of the levels that
      the last stage reaches.
    prompt_samples: Number of samples of the waveform that are the prompt.
  """

  waveform: Waveform
  tokens: Tokens
  prompt_samples: int
