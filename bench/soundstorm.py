"""SoundStorm beside the coarse and fine stages: how fast, and how good.

  python -m bench.soundstorm --model=speech [--tokens=runs/small/speech/tokens]

Both make the acoustic codes behind a prompt of 3 s from the same semantic
tokens. Speed is that of --seconds to be made; tokens are random, it does not
depend on them. Quality is that of held-out clips of a token store, beside their
reconstruction from their true codes.
One JSON object a line. Rounds alternate.
"""

import functools
import json
import statistics
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags

from audiolm_jax.bundle import Bundle
from audiolm_jax.draft import Draft
from audiolm_jax.evaluation import fidelity, generations
from audiolm_jax.generate import AudioLM
from audiolm_jax.soundstorm import sampler
from audiolm_jax.tokens import frames, store

MODEL = flags.DEFINE_string('model', 'speech', 'A bundle.')
TOKENS = flags.DEFINE_string('tokens', None, 'Its token store, for quality.')
SPLIT = flags.DEFINE_string('split', 'test', 'Of the store.')
SECONDS = flags.DEFINE_float('seconds', 30.0, 'That are made, for speed.')
ROUNDS = flags.DEFINE_integer('rounds', 3, 'Of each; medians count.')
CLIPS = flags.DEFINE_integer('clips', 8, 'That quality is measured on.')
CLIP_SECONDS = flags.DEFINE_float('clip_seconds', 8.0, 'Prompt included.')
WINDOW_SECONDS = flags.DEFINE_float('window_seconds', None, 'Not the trained.')
FIRST_PASSES = flags.DEFINE_integer('first_passes', 16, 'Of the first level.')
TEMPERATURE = flags.DEFINE_float('temperature', 1.0, "SoundStorm's.")

PROMPT_SECONDS = 3.0
OVERLAP = 0.3

# (semantic [B T], acoustic [B T2 Q], units of the prompt, keys) -> codes.
Generator = Callable[..., np.ndarray]


def autoregressive(bundle: Bundle) -> Generator:
  """The coarse and fine stages, as AudioLM chains them."""
  model = AudioLM(bundle)

  def generate(semantic, acoustic, num_known, keys):
    per_unit = bundle.language_model('coarse').stage.frames_per_unit
    draft = Draft(semantic, acoustic, per_unit)
    model._fill('coarse', draft, num_known, keys)
    model._fill_chunks(draft, num_known, keys)
    return draft.acoustic

  return generate


def parallel(bundle: Bundle) -> Generator:
  """SoundStorm in windows, the end of one the prompt of the next."""
  storm = bundle.soundstorm
  per_unit = storm.stage.frames_per_unit['acoustic']
  seconds = WINDOW_SECONDS.value or storm.crop_seconds
  crop = int(seconds * float(storm.stage.units_per_second))
  passes = FIRST_PASSES.value, *[1] * (storm.model.num_quantizers - 1)

  def generate(semantic, acoustic, num_known, keys):
    num_units = acoustic.shape[1] // per_unit
    codes = np.array(acoustic)
    while num_known < num_units:
      start = 0 if num_known < crop else num_known - int(OVERLAP * crop)
      end = min(start + crop, num_units)
      window = np.s_[:, start * per_unit : (start + crop) * per_unit]
      given = frames.at_acoustic_rate(storm.stage, semantic)[window]
      padding = ((0, 0), (0, crop * per_unit - given.shape[1]))
      known = np.arange(crop * per_unit) < (num_known - start) * per_unit
      found = sampler.fill(
          storm.model,
          storm.params,
          jnp.asarray(np.pad(given, padding)),
          jnp.asarray(np.pad(codes[window], (*padding, (0, 0)))),
          jnp.broadcast_to(known, (len(codes), len(known))),
          jnp.full(len(codes), (end - start) * per_unit),
          TEMPERATURE.value,
          jax.vmap(functools.partial(jax.random.fold_in, data=start))(keys),
          passes,
      )
      found = np.asarray(found)[:, : (end - start) * per_unit]
      codes[:, start * per_unit : end * per_unit] = found
      num_known = end
    return codes

  return generate


def speed(bundle: Bundle, generators: dict[str, Generator]) -> dict:
  """Seconds by the clock, and of all cores together; and to compile."""
  stage = bundle.soundstorm.stage
  num_known = stage.frames(PROMPT_SECONDS)['semantic']
  total = stage.frames(PROMPT_SECONDS + SECONDS.value)
  random = np.random.default_rng(0)
  size = stage.prefix[0].codebook_size
  semantic = random.integers(size, size=(1, total['semantic']))
  shape = (1, total['acoustic'], len(stage.target.levels))
  acoustic = random.integers(stage.target.codebook_size, size=shape)
  args = semantic, acoustic, num_known, jax.random.split(jax.random.key(0), 1)
  found = {name: {'wall': [], 'cpu': []} for name in generators}
  for _ in range(ROUNDS.value + 1):
    for name, generate in generators.items():
      wall, cpu = time.perf_counter(), time.process_time()
      generate(*args)
      found[name]['wall'].append(time.perf_counter() - wall)
      found[name]['cpu'].append(time.process_time() - cpu)
  result = {}
  for clock in ('wall', 'cpu'):
    medians = {n: statistics.median(t[clock][1:]) for n, t in found.items()}
    for name, seconds in medians.items():
      result[f'{name}_{clock}_s'] = round(seconds, 2)
      first = found[name][clock][0] - seconds
      result[f'{name}_compile_{clock}_s'] = round(first, 2)
    stages, storm = medians.values()
    result[f'ratio_{clock}'] = round(stages / storm, 1)
  return result


def read_clips(token_dir: str) -> tuple[np.ndarray, np.ndarray]:
  """Beginnings of clips that are long enough, evenly over the split."""
  rate = store.read_metadata(token_dir).sizes
  size = round(CLIP_SECONDS.value * rate.semantic_rate)
  size2 = round(CLIP_SECONDS.value * rate.acoustic_rate)
  fitting = [
      record
      for record in store.read(token_dir, SPLIT.value)
      if len(record.semantic) >= size and len(record.acoustic) >= size2
  ]
  places = np.arange(CLIPS.value) * len(fitting) // CLIPS.value
  chosen = [fitting[place] for place in sorted(set(places.tolist()))]
  return (
      np.stack([record.semantic[:size] for record in chosen]),
      np.stack([record.acoustic[:size2] for record in chosen]),
  )


def quality(
    bundle: Bundle, generate: Generator, token_dir: str, seed: int = 0
) -> dict:
  """Means over clips of what follows the prompt."""
  semantic, acoustic = read_clips(token_dir)
  stage, codec = bundle.soundstorm.stage, bundle.acoustic
  prompt = stage.frames(PROMPT_SECONDS)
  given = acoustic.copy()
  given[:, prompt['acoustic'] :] = 0
  keys = jax.random.split(jax.random.key(seed), len(given))
  made = generate(semantic, given, prompt['semantic'], keys)
  start, rate = prompt['acoustic'] * codec.hop_length, codec.sample_rate
  rows = []
  for truth, waveform in zip(
      codec.decode(acoustic), codec.decode(made), strict=True
  ):
    checked = generations.check_continuation(
        waveform[start:], truth[:start], rate
    )
    rows.append(
        {
            'mel_distance': fidelity.mel_distance(
                truth[start:], waveform[start:], rate
            ),
            'correlation': fidelity.spectral_correlation(
                truth[start:], waveform[start:], rate
            ),
            'relative_level_db': checked.relative_level_db,
            'repetition': checked.repetition,
            'flux': checked.flux,
            'faults': len(checked.faults),
        }
    )
  new = slice(prompt['acoustic'], None)
  same = (made[:, new] == acoustic[:, new]).mean(axis=(0, 1))
  means = {k: round(float(np.mean([r[k] for r in rows])), 3) for k in rows[0]}
  return means | {
      'clips': len(rows),
      'same_codes_level_1': round(float(same[0]), 3),
      'same_codes': round(float(same.mean()), 3),
  }


def main(_: list[str]) -> None:
  """Prints speed, and quality of each where there are tokens."""
  bundle = Bundle.load(MODEL.value)
  generators = {
      'stages': autoregressive(bundle),
      'soundstorm': parallel(bundle),
  }
  if TOKENS.value:
    truth = {'truth': lambda s, a, n, k: read_clips(TOKENS.value)[1]}
    for name, generate in (truth | generators).items():
      found = quality(bundle, generate, TOKENS.value)
      print(json.dumps({'generator': name, **found}), flush=True)
  if ROUNDS.value:
    print(json.dumps(speed(bundle, generators)), flush=True)


if __name__ == '__main__':
  app.run(main)
