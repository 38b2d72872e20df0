"""SoundStorm beside the coarse and fine stages: how fast, and how good.

  python -m bench.soundstorm --model=my_model [--tokens=tokens]

Both make the acoustic codes behind a prompt of 3 s from the same semantic
tokens. Speed is that of --seconds to be made; tokens are random, it does not
depend on them. Quality is that of held-out clips of a token store, beside their
reconstruction from their true codes.
One JSON object a line. Rounds alternate.
"""

import json
import statistics
import time
from collections.abc import Callable

import jax
import numpy as np
from absl import app, flags

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.evaluation.metrics import faults, fidelity
from audiolm_jax.generation import chain
from audiolm_jax.generation.tokens import TokenGenerator
from audiolm_jax.tokens.store import store
from audiolm_jax.tokens.tokenizers.contract import Tokens

MODEL = flags.DEFINE_string(
    'model', None, 'A bundle with the stages and SoundStorm.', required=True
)
TOKENS = flags.DEFINE_string(
    'tokens', None, 'Token store of the bundle, from which quality is measured.'
)
SPLIT = flags.DEFINE_string('split', 'test', 'Split of the store.')
SECONDS = flags.DEFINE_float(
    'seconds', 30.0, 'Seconds made to measure the speed.'
)
ROUNDS = flags.DEFINE_integer(
    'rounds', 3, 'Timed rounds of each; medians count; 0: none.'
)
CLIPS = flags.DEFINE_integer(
    'clips', 8, 'Number of clips that quality is measured on.'
)
CLIP_SECONDS = flags.DEFINE_float(
    'clip_seconds', 8.0, 'Seconds of a clip, its prompt included.'
)

PROMPT_SECONDS = 3.0

# (semantic ids to say, prompts) -> acoustic codes of what is said.
Generator = Callable[[list[Tokens], list[Tokens]], list[np.ndarray]]


def generator(bundle: Bundle, models: chain.Chain) -> Generator:
  """Both kinds behind the same door."""
  tokens = TokenGenerator(bundle.tokenizers, models)

  def generate(said: list[Tokens], prompts: list[Tokens]) -> list[np.ndarray]:
    keys = jax.random.split(jax.random.key(0), len(said))
    made = tokens.with_voices(said, prompts, keys)
    return [each.acoustic for each in made]

  return generate


def speed(bundle: Bundle, generators: dict[str, Generator]) -> dict[str, float]:
  """Seconds by the clock, and of all cores together; and to compile."""
  stage, random = bundle.soundstorm.stage, np.random.default_rng(0)
  semantic, target = stage.prefix[0], stage.target

  def draw(seconds: float) -> Tokens:
    frames = stage.frames(seconds)
    shape = frames[target.source], len(target.levels)
    return Tokens(
        random.integers(semantic.codebook_size, size=frames[semantic.source]),
        random.integers(target.codebook_size, size=shape),
    )

  said, prompt = draw(SECONDS.value), draw(PROMPT_SECONDS)
  found = {
      (name, clock): [] for clock in ('wall', 'cpu') for name in generators
  }
  for _ in range(ROUNDS.value + 1):
    for name, generate in generators.items():
      wall, cpu = time.perf_counter(), time.process_time()
      generate([said], [prompt])
      found[name, 'wall'].append(time.perf_counter() - wall)
      found[name, 'cpu'].append(time.process_time() - cpu)
  result = {}
  for (name, clock), (first, *later) in found.items():
    result[f'{name}_{clock}_s'] = statistics.median(later)
    result[f'{name}_{clock}_compile_s'] = first - statistics.median(later)
  for clock in ('wall', 'cpu'):
    stages, storm = (result[f'{name}_{clock}_s'] for name in generators)
    result[f'ratio_{clock}'] = stages / storm
  return {name: round(value, 2) for name, value in result.items()}


def read_clips(bundle: Bundle, token_dir: str) -> list[Tokens]:
  """Beginnings of clips that are long enough, evenly over the split."""
  frames = bundle.soundstorm.stage.frames(CLIP_SECONDS.value)
  sizes = frames['semantic'], frames['acoustic']
  fitting = [
      Tokens(record.semantic[: sizes[0]], record.acoustic[: sizes[1]])
      for record in store.read(token_dir, SPLIT.value)
      if len(record.semantic) >= sizes[0] and len(record.acoustic) >= sizes[1]
  ]
  places = np.arange(CLIPS.value) * len(fitting) // CLIPS.value
  return [fitting[place] for place in sorted(set(places.tolist()))]


def cut(bundle: Bundle, clip: Tokens) -> tuple[Tokens, Tokens]:
  """The prompt, and what follows it."""
  frames = bundle.soundstorm.stage.frames(PROMPT_SECONDS)
  ids, codes = frames['semantic'], frames['acoustic']
  return (
      Tokens(clip.semantic[:ids], clip.acoustic[:codes]),
      Tokens(clip.semantic[ids:], clip.acoustic[codes:]),
  )


def compare(
    bundle: Bundle, prompt: Tokens, truth: Tokens, made: np.ndarray
) -> dict[str, float]:
  """A clip's codes beside the true ones, decoded behind the same prompt."""
  codec = bundle.acoustic
  start, rate = len(prompt.acoustic) * codec.hop_length, codec.sample_rate

  def decode(codes: np.ndarray) -> np.ndarray:
    return codec.decode(np.concatenate([prompt.acoustic, codes])[None])[0]

  reference, waveform = decode(truth.acoustic), decode(made)
  sound = reference[start:], waveform[start:]
  checked = faults.check_continuation(sound[1], reference[:start], rate)
  same = made == truth.acoustic
  return {
      'mel_distance': fidelity.mel_distance(*sound, rate),
      'correlation': fidelity.spectral_correlation(*sound, rate),
      'relative_level_db': checked.relative_level_db,
      'repetition': checked.repetition,
      'flux': checked.flux,
      'faults': len(checked.faults),
      'right_codes_of_level_1': same[:, 0].mean(),
      'right_codes': same.mean(),
  }


def quality(
    bundle: Bundle, generate: Generator, token_dir: str
) -> dict[str, float]:
  """Means over clips of what follows the prompt."""
  pairs = [cut(bundle, clip) for clip in read_clips(bundle, token_dir)]
  prompts, truths = map(list, zip(*pairs, strict=True))
  rows = [
      compare(bundle, *clip)
      for clip in zip(prompts, truths, generate(truths, prompts), strict=True)
  ]
  means = {
      name: round(float(np.mean([row[name] for row in rows])), 3)
      for name in rows[0]
  }
  return {'clips': len(rows), **means}


def main(_: list[str]) -> None:
  """Prints quality where there are tokens, then speed."""
  bundle = Bundle.load(MODEL.value)
  generators = {
      'stages': generator(bundle, chain.autoregressive(bundle)),
      'soundstorm': generator(bundle, chain.parallel(bundle)),
  }
  if TOKENS.value:
    truth = {'truth': lambda said, _: [tokens.acoustic for tokens in said]}
    for name, generate in (truth | generators).items():
      found = quality(bundle, generate, TOKENS.value)
      print(json.dumps({'generator': name, **found}), flush=True)
  if ROUNDS.value:
    print(json.dumps(speed(bundle, generators)), flush=True)


if __name__ == '__main__':
  app.run(main)
