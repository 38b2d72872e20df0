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

import json
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from absl import flags
from jaxtyping import Float

from audiolm_jax import audio
from audiolm_jax.bundle import Bundle
from audiolm_jax.cli import compilation, folders, prompts, verb
from audiolm_jax.cli.prompts import Job, Prompt
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


def main(argv: list[str]) -> int:
  temperatures = _temperatures()
  patterns = [*FLAGS.prompts, *argv[1:]]
  if FLAGS.mode == 'unconditional' and patterns:
    raise UserError('--mode=unconditional takes no prompts.')
  paths = [] if FLAGS.mode == 'unconditional' else prompts.find(patterns)
  folder = folders.writable(FLAGS.output_dir)
  compilation.keep_compiled()
  bundle = Bundle.load(FLAGS.model)
  lm = AudioLM(bundle, temperatures)
  found = [Prompt(None, 0, np.zeros(0, np.float32))]
  if paths:
    found = prompts.read(paths, lambda path: _read(path, lm))
  to_do = prompts.jobs(found, FLAGS.samples_per_prompt)
  prompts.check_files(folder, to_do)
  print(
      f'{len(to_do)} samples with {FLAGS.model} ({bundle.fingerprint}) on'
      f' {jax.devices()[0].platform}; the first batch takes longer.',
      flush=True,
  )
  _write_all(folder, lm, to_do, bundle.fingerprint)
  print(f'Wrote {len(to_do)} files and {folder / "manifest.jsonl"}:')
  for job in to_do:
    print(f'  {folder / job.file}')
  num_bad = max(len(paths) - len(found), 0)
  if num_bad:
    print(f'{num_bad} prompts could not be read, see above.', file=sys.stderr)
  return 1 if num_bad else 0


def _temperatures() -> Temperatures:
  text = ','.join(FLAGS.temperatures)
  try:
    semantic, coarse, fine = map(float, FLAGS.temperatures)
  except ValueError as error:
    raise UserError(f'--temperatures={text}: give three numbers.') from error
  if min(semantic, coarse, fine) <= 0:
    raise UserError(f'--temperatures={text}: they must be positive.')
  return Temperatures(semantic, coarse, fine)


def _read(path: str, lm: AudioLM) -> Float[np.ndarray, ' N']:
  seconds = FLAGS.prompt_seconds
  if FLAGS.mode == 'acoustic_generation':
    seconds += FLAGS.continuation_seconds
  return lm.fit(audio.read(path, lm.sample_rate, seconds=seconds))


def _generate(lm: AudioLM, batch: Sequence[Job]) -> Generation:
  keys = prompts.keys(FLAGS.seed, batch)
  if FLAGS.mode == 'unconditional':
    return lm.unconditional(FLAGS.continuation_seconds, keys)
  waveforms = np.stack([job.prompt.waveform for job in batch])
  if FLAGS.mode == 'acoustic_generation':
    return lm.acoustic_generation(waveforms, keys)
  return lm.continuation(waveforms, FLAGS.continuation_seconds, keys)


def _write_all(
    folder: pathlib.Path, lm: AudioLM, to_do: Sequence[Job], fingerprint: str
) -> None:
  """Generates batch by batch; what is done is on disk."""
  num_done = 0
  begin = time.monotonic()
  with (folder / 'manifest.jsonl').open('w', encoding='utf-8') as manifest:
    for batch in prompts.batches(to_do, FLAGS.batch_size):
      start = time.monotonic()
      waveforms = _generate(lm, batch).waveform
      elapsed = time.monotonic() - start
      seconds = waveforms.size / lm.sample_rate
      for job, waveform in zip(batch, waveforms, strict=True):
        audio.write(folder / job.file, waveform, lm.sample_rate)
        line = _describe(job, len(waveform), lm.sample_rate) | {
            'real_time_factor': round(elapsed / seconds, 3),
            'fingerprint': fingerprint,
        }
        manifest.write(json.dumps(line, ensure_ascii=False) + '\n')
      manifest.flush()
      num_done += len(batch)
      left = (time.monotonic() - begin) * (len(to_do) / num_done - 1)
      print(
          f'{num_done}/{len(to_do)} samples, {elapsed:.1f} s for {seconds:.1f}'
          f' s of audio, {left:.0f} s left',
          flush=True,
      )


def _describe(job: Job, num_samples: int, sample_rate: int) -> dict[str, Any]:
  """What the manifest says of a file, but for how long it took."""
  has_prompt = FLAGS.mode == 'continuation'
  num_prompt = len(job.prompt.waveform) if has_prompt else 0
  return {
      'file': job.file,
      'prompt': job.prompt.path,
      'mode': FLAGS.mode,
      'seed': FLAGS.seed,
      'sample': job.sample,
      'prompt_seconds': num_prompt / sample_rate,
      'seconds': num_samples / sample_rate,
      'temperatures': [float(value) for value in FLAGS.temperatures],
      'model': FLAGS.model,
  }


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
