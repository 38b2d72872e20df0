"""Trains what launch.sprint.pack packed, until the minutes are over.

Example:
  PYTHONPATH=sprint/code.zip python -m launch.sprint.run --folder=sprint \\
      --minutes=8 --out=trained

It needs JAX, Flax and Optax, and one GPU. The learning rate follows the clock,
compilation included: it is down when the minutes are over, whatever the speed.
--out gets the weights every --save_seconds and at the end, in files of at most
16 MiB, and log.jsonl; who is killed leaves the weights of the last time.
"""

import pathlib
import sys

import jax
from absl import flags

from audiolm_jax import files
from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError
from launch.sprint import decoder_task, folder, loop, storm_task
from launch.sprint.loop import Log, Saver
from launch.sprint.pace import Clock
from launch.sprint.tasks import Settings

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'folder', None, 'Folder that launch.sprint.pack wrote.', flag_values=FLAGS
)
flags.DEFINE_float(
    'minutes',
    None,
    'Time until the run ends, from its start; leave some seconds before any'
    ' limit.',
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'out', None, 'Folder that gets weights and log.', flag_values=FLAGS
)
flags.DEFINE_float(
    'learning_rate',
    None,
    'Peak of the learning rate; 2e-4 for a decoder, 1e-3 for a SoundStorm.',
    flag_values=FLAGS,
)
_FLOATS = {
    'save_seconds': (60.0, 'Time from one writing of the weights to the next.'),
    'log_seconds': (5.0, 'Time from one line of the log to the next.'),
    'window_seconds': (1.0, 'Length of the crops that a codec hears.'),
    'spectral': (0.3, 'Weight of the distance of mel spectra.'),
    'complex': (0.0, 'Weight of the distance of spectra with their phases.'),
    'magnitude': (5.0, 'Weight of the distance of log magnitudes.'),
    'adversarial': (0.3, "Weight of the discriminators' judgement."),
    'feature_matching': (0.6, 'Weight of the distance of their features.'),
    'level_decay': (
        0.6,
        'How much less often a SoundStorm learns each level than the last one.',
    ),
    'longest_prompt': (
        0.5,
        'Share of a window that may be prompt while a SoundStorm learns.',
    ),
    'shortest_seconds': (1.0, 'Length of the shortest windows of tokens.'),
}
_INTEGERS = {
    'batch_size': (64, 'Crops or windows a step.'),
    'alone_steps': (300, 'Steps in which the discriminators learn alone.'),
    'stft_channels': (32, 'First width of the STFT discriminator.'),
    'wave_channels': (16, 'First width of the waveform discriminators.'),
}
for name, (value, text) in _FLOATS.items():
  flags.DEFINE_float(name, value, text, lower_bound=0, flag_values=FLAGS)
for name, (value, text) in _INTEGERS.items():
  flags.DEFINE_integer(name, value, text, lower_bound=0, flag_values=FLAGS)
flags.DEFINE_integer('seed', 0, 'Seed of everything drawn.', flag_values=FLAGS)
flags.DEFINE_bool(
    'dry_run',
    False,
    'Whether two steps are run, whatever --minutes says.',
    flag_values=FLAGS,
)

_MAKERS = {'decoder': decoder_task.make, 'soundstorm': storm_task.make}
_RATES = {'decoder': 2e-4, 'soundstorm': 1e-3}


def main(argv: list[str]) -> None:
  timed = FLAGS.minutes or FLAGS.dry_run
  if len(argv) > 1 or not (FLAGS.folder and FLAGS.out and timed):
    raise UserError('Give --folder, --minutes and --out, and no arguments.')
  clock = Clock(60 * (FLAGS.minutes or 0))
  out = files.writable(FLAGS.out)
  parcel = folder.read(pathlib.Path(FLAGS.folder))
  name = parcel.contents.get('task')
  if name not in _MAKERS or 'step' in parcel.contents:
    raise UserError(f'{FLAGS.folder} was not written by launch.sprint.pack.')
  task = _MAKERS[name](parcel, _settings(name))
  folder.check_weights(task.weights(task.state))
  print(f'{clock.elapsed:.0f} s: ready on {jax.devices()[0]}.', flush=True)
  saver = Saver(out, parcel.contents, task.weights, FLAGS.save_seconds)
  log = Log(out / 'log.jsonl', FLAGS.log_seconds)
  num_steps = 2 if FLAGS.dry_run else None
  steps = loop.train(task, clock, saver, log, FLAGS.seed, num_steps)
  print(f'{clock.elapsed:.0f} s: {steps} steps; wrote {out}.')


def _settings(task: str) -> Settings:
  losses = ('spectral', 'complex', 'magnitude')
  weights = {name: FLAGS[name].value for name in losses}
  return Settings(
      learning_rate=FLAGS.learning_rate or _RATES[task],
      batch_size=FLAGS.batch_size,
      window_seconds=FLAGS.window_seconds,
      alone_steps=FLAGS.alone_steps,
      # What weighs nothing need not be computed.
      loss_weights={name: x for name, x in weights.items() if x},
      game_weights={
          'adversarial': FLAGS.adversarial,
          'feature_matching': FLAGS.feature_matching,
      },
      judge_channels=(FLAGS.stft_channels, FLAGS.wave_channels),
      level_decay=FLAGS.level_decay,
      longest_prompt=FLAGS.longest_prompt,
      shortest_seconds=FLAGS.shortest_seconds,
      seed=FLAGS.seed,
  )


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
