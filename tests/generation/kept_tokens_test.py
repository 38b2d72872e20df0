"""Keeps what seeds give: a sample is the same in every version.

Where a change of the numbers is meant, run this file as a program: it prints
the new ones.
"""

import json
import pathlib

import jax
import numpy as np
import pytest
import tiny

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.generation import chain
from audiolm_jax.generation.audiolm import AudioLM

KEPT = pathlib.Path(__file__).with_suffix('.json')
KINDS = ('autoregressive', 'parallel')


def tokens(kind: str) -> dict[str, list]:
  """Tokens of two prompts and 0.4 s behind them, by kind of token."""
  bundle = tiny.bundle()
  bundle = Bundle(bundle.parts | {'soundstorm': tiny.soundstorm()})
  lm = AudioLM(bundle, getattr(chain, kind)(bundle))
  keys = jax.vmap(jax.random.key)(np.array([3, 4]))
  made = lm.continuation(list(tiny.noise(2, 0.2)), 0.4, keys)
  return {
      'semantic': [each.tokens.semantic.tolist() for each in made],
      'acoustic': [each.tokens.acoustic.tolist() for each in made],
  }


def fingerprints() -> dict[str, str]:
  bundle = tiny.bundle()
  return {
      'semantic': bundle.semantic.fingerprint,
      'acoustic': bundle.acoustic.fingerprint,
      'bundle': bundle.fingerprint,
  }


@pytest.mark.parametrize('kind', KINDS)
def test_a_seed_gives_the_tokens_that_it_gave(kind):
  assert tokens(kind) == json.loads(KEPT.read_text())[kind]


def test_parts_keep_their_fingerprints():
  assert fingerprints() == json.loads(KEPT.read_text())['fingerprints']


if __name__ == '__main__':
  contents = {kind: tokens(kind) for kind in KINDS}
  print(json.dumps(contents | {'fingerprints': fingerprints()}))
