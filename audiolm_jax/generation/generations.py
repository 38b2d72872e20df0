"""What AudioLM generates: samples with their tokens."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax.tokens.tokenizers.contract import Tokens

Waveform = Float[np.ndarray, ' _']


class Generation(NamedTuple):
  """A sample; it begins with its prompt, decoded from its tokens.

  Attributes:
    waveform: What the codec makes of `tokens`.
    tokens: Semantic ids, without repeats behind the prompt if the stage drops
      them and none there if no stage makes them, and codes of the levels that
      the last stage reaches.
    prompt_samples: How much of the waveform is the prompt.
  """

  waveform: Waveform
  tokens: Tokens
  prompt_samples: int
