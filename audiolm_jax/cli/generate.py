"""Continues recordings: audio in, a believable continuation of it out.

Examples:
  audiolm generate --prompts='data/prompts/speech_*' --output_dir=out
  audiolm generate me.wav friend.mp3 --model=speech --samples_per_prompt=4
  audiolm generate --prompts='*.flac' --model=my_bundle --prompt_seconds=3 \\
      --continuation_seconds=7 --batch_size=16 --seed=1
  audiolm generate 'clips/*.wav' --mode=acoustic_generation
  audiolm generate --mode=unconditional --samples_per_prompt=8 --model=piano

Modes: `continuation` prolongs the first --prompt_seconds of each file;
`acoustic_generation` keeps what is said or played in the first (prompt +
continuation) seconds and draws a new voice; `unconditional` needs no prompt.

Writes WAV files and manifest.jsonl. The same seed, prompt and model give the
same audio. Exit code 1: some prompts could not be read; 2: nothing was done.
"""

import collections
import glob
import json
import pathlib
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from jaxtyping import Float

from audiolm_jax import audio
from audiolm_jax.bundle import Bundle
from audiolm_jax.cli import compilation, folders, verb
from audiolm_jax.errors import UserError
from audiolm_jax.generate import AudioLM, Generation, Temperatures

MODES = ('continuation', 'acoustic_generation', 'unconditional')

FLAGS = flags.FlagValues()
flags.DEFINE_multi_string(
    'prompts',
    [],
    'Audio files to continue: a path or a glob, ** included; may be repeated.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'model', 'speech', 'Bundle: speech, piano or a folder.', flag_values=FLAGS
)
flags.DEFINE_string(
    'output_dir', 'out', 'Where the WAV files go.', flag_values=FLAGS
)
flags.DEFINE_enum(
    'mode', 'continuation', MODES, 'What to do.', flag_values=FLAGS
)
flags.DEFINE_float(
    'prompt_seconds',
    3.0,
    'How much of each file is the prompt.',
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'continuation_seconds',
    7.0,
    'How much to generate.',
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'samples_per_prompt', 1, 'Samples.', lower_bound=1, flag_values=FLAGS
)
flags.DEFINE_integer(
    'batch_size',
    16,
    'Samples made at the same time; more are faster and need more memory.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer('seed', 0, 'Of the randomness.', flag_values=FLAGS)
flags.DEFINE_list(
    'temperatures',
    ['0.6', '0.8', '0.6'],
    'Of the semantic, coarse and fine stage.',
    flag_values=FLAGS,
)


class Prompt(NamedTuple):
  """Where a generation starts.

  Attributes:
    path: As the user gave it; None for unconditional generation.
    index: Among all prompts, unreadable ones included.
    waveform: Cut to the prompt.
  """

  path: str | None
  index: int
  waveform: Float[np.ndarray, ' N']


class Job(NamedTuple):
  """One file to write."""

  prompt: Prompt
  sample: int


def main(argv: list[str]) -> int:
  temperatures = _temperatures()
  paths = find_prompts([*FLAGS.prompts, *argv[1:]])
  folder = folders.writable(FLAGS.output_dir)
  compilation.keep_compiled()
  bundle = Bundle.load(FLAGS.model)
  lm = AudioLM(bundle, temperatures)
  prompts, num_bad = read_prompts(paths, lm)
  jobs = [
      Job(prompt, sample)
      for prompt in prompts
      for sample in range(FLAGS.samples_per_prompt)
  ]
  written = _write_all(folder, lm, jobs, bundle.fingerprint)
  print(f'Wrote {len(written)} files and {folder / "manifest.jsonl"}:')
  for path in written:
    print(f'  {path}')
  if num_bad:
    print(f'{num_bad} prompts could not be read, see above.', file=sys.stderr)
  return 1 if num_bad else 0


def find_prompts(patterns: Sequence[str]) -> list[str | None]:
  """Files that match, each once, in a stable order."""
  if FLAGS.mode == 'unconditional':
    if patterns:
      raise UserError('--mode=unconditional takes no prompts.')
    return [None]
  paths = {}
  for pattern in patterns:
    found = sorted(glob.glob(pattern, recursive=True)) or [pattern]
    paths.update(dict.fromkeys(found))
  if not paths:
    raise UserError("Give audio to continue, as in --prompts='clips/*.wav'.")
  return list(paths)


def read_prompts(
    paths: Sequence[str | None], lm: AudioLM
) -> tuple[list[Prompt], int]:
  """Reads what can be read, and counts what cannot."""
  prompts = []
  for index, path in enumerate(paths):
    try:
      waveform = np.zeros(0, np.float32) if path is None else _read(path, lm)
    except UserError as error:
      print(f'Skipped: {error}', file=sys.stderr)
    else:
      prompts.append(Prompt(path, index, waveform))
  if not prompts:
    raise UserError('None of the prompts can be read.')
  return prompts, len(paths) - len(prompts)


def batches(jobs: Sequence[Job], size: int) -> Iterator[list[Job]]:
  """Batches of equally long prompts."""
  groups = collections.defaultdict(list)
  for job in jobs:
    groups[len(job.prompt.waveform)].append(job)
  for group in groups.values():
    for start in range(0, len(group), size):
      yield group[start : start + size]


def sample_keys(seed: int, jobs: Sequence[Job]) -> jax.Array:
  """A key of its own for each job, whatever batch it is in."""
  key = jax.random.key(seed)
  return jnp.stack(
      [
          jax.random.fold_in(
              jax.random.fold_in(key, job.prompt.index), job.sample
          )
          for job in jobs
      ]
  )


def _temperatures() -> Temperatures:
  try:
    temperatures = Temperatures(*map(float, FLAGS.temperatures))
  except (ValueError, TypeError) as error:
    raise UserError(
        f'--temperatures={",".join(FLAGS.temperatures)}: give three numbers.'
    ) from error
  if min(temperatures) <= 0:
    raise UserError('--temperatures must be positive; 0.01 is nearly greedy.')
  return temperatures


def _read(path: str, lm: AudioLM) -> Float[np.ndarray, ' N']:
  seconds = FLAGS.prompt_seconds
  if FLAGS.mode == 'acoustic_generation':
    seconds += FLAGS.continuation_seconds
  return lm.fit(audio.read(path, lm.sample_rate, seconds=seconds))


def _generate(lm: AudioLM, jobs: Sequence[Job]) -> Generation:
  keys = sample_keys(FLAGS.seed, jobs)
  waveforms = np.stack([job.prompt.waveform for job in jobs])
  if FLAGS.mode == 'unconditional':
    return lm.unconditional(FLAGS.continuation_seconds, keys)
  if FLAGS.mode == 'acoustic_generation':
    return lm.acoustic_generation(waveforms, keys)
  return lm.continuation(waveforms, FLAGS.continuation_seconds, keys)


def _write_all(
    folder: pathlib.Path, lm: AudioLM, jobs: Sequence[Job], fingerprint: str
) -> list[pathlib.Path]:
  """Generates batch by batch; what is done is on disk."""
  written = []
  names = _names(jobs)
  begin = time.monotonic()
  with (folder / 'manifest.jsonl').open('w', encoding='utf-8') as manifest:
    for batch in batches(jobs, FLAGS.batch_size):
      start = time.monotonic()
      waveforms = _generate(lm, batch).waveform
      elapsed = time.monotonic() - start
      audio_seconds = waveforms.size / lm.sample_rate
      for job, waveform in zip(batch, waveforms, strict=True):
        path = folder / names[job.prompt.index, job.sample]
        audio.write(path, waveform, lm.sample_rate)
        written.append(path)
        line = _describe(job, waveform, lm.sample_rate) | {
            'file': path.name,
            'real_time_factor': round(elapsed / audio_seconds, 3),
            'fingerprint': fingerprint,
        }
        manifest.write(json.dumps(line, ensure_ascii=False) + '\n')
      manifest.flush()
      left = (time.monotonic() - begin) * (len(jobs) / len(written) - 1)
      print(
          f'{len(written)}/{len(jobs)} samples, {elapsed:.1f} s for'
          f' {audio_seconds:.1f} s of audio, {left:.0f} s left',
          flush=True,
      )
  return written


def _names(jobs: Sequence[Job]) -> dict[tuple[int, int], str]:
  """File names; prompts of the same name are told apart by their index."""
  stems = {
      job.prompt.index: pathlib.Path(job.prompt.path or FLAGS.mode).stem
      for job in jobs
  }
  counts = collections.Counter(stems.values())
  names = {}
  for job in jobs:
    index = job.prompt.index
    stem = stems[index]
    if counts[stem] > 1:
      stem = f'{stem}-{index}'
    names[index, job.sample] = f'{stem}_{job.sample}.wav'
  return names


def _describe(
    job: Job, waveform: Float[np.ndarray, ' N'], sample_rate: int
) -> dict[str, Any]:
  """What the manifest says of a file, but for how it was made."""
  is_prompt = FLAGS.mode == 'continuation'
  prompt_seconds = len(job.prompt.waveform) / sample_rate if is_prompt else 0.0
  return {
      'prompt': job.prompt.path,
      'mode': FLAGS.mode,
      'seed': FLAGS.seed,
      'sample': job.sample,
      'prompt_seconds': prompt_seconds,
      'seconds': len(waveform) / sample_rate,
      'temperatures': [float(value) for value in FLAGS.temperatures],
      'model': FLAGS.model,
  }


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
