"""Trains on this machine, on GKE or on Vertex: experiments, sweeps, XManager.

Examples:
  python launch/xm_train.py --experiment=semantic --gin_file=gin/semantic.gin \\
      --gin.TOKENS="'tokens'" --executor=gke --accelerator=tpu-v4 \\
      --topology=2x2x4 --image=REGISTRY/audiolm_jax --dry_run
  python launch/xm_train.py --experiment=rates --gin_file=gin/fine.gin \\
      --gin_file=gin/tiny.gin --gin.TOKENS="'tokens'" \\
      --sweep=LEARNING_RATE=1e-3,2e-3 --sweep=BATCH_SIZE=4,8
  python launch/xm_train.py --experiment=two --gin_file=gin/fine.gin \\
      --gin.TOKENS="'tokens'" --num_processes=2 --noxmanager

Every unit of a sweep trains in EXPERIMENTS_DIR/EXPERIMENT/UNIT. The same
--experiment once more goes on from the checkpoints that are there, and is
refused if the configuration is another. --dry_run prints each worker's command
and environment and starts nothing. docs/launching.md says more.
"""

import pathlib
import re
import sys
from collections.abc import Mapping, Sequence

from absl import flags

# `python launch/xm_train.py` looks for modules in launch/ only.
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from audiolm_jax.cli import gin_flags, verb  # noqa: E402
from audiolm_jax.errors import UserError  # noqa: E402
from launch import (  # noqa: E402
    experiments,
    local,
    machines,
    ports,
    sweeps,
)
from launch import workers as plans  # noqa: E402
from launch.experiments import Experiment  # noqa: E402
from launch.jobset import Container  # noqa: E402
from launch.machines import Machine  # noqa: E402
from launch.workers import Worker  # noqa: E402

Runs = Mapping[str, Sequence[Worker]]

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'experiment', None, 'Name of the experiment.', flag_values=FLAGS
)
flags.DEFINE_string(
    'experiments_dir',
    'runs',
    'Folder of all experiments, the same for the workers and here.',
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    'gin_file', [], 'Gin file; may be repeated.', flag_values=FLAGS
)
flags.DEFINE_multi_string(
    'gin_bindings', [], 'One binding; may be repeated.', flag_values=FLAGS
)
flags.DEFINE_multi_string(
    'sweep',
    [],
    'NAME=V1,V2: one unit for each value; several make a product.',
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    'executor',
    'local',
    machines.EXECUTORS,
    'Executor that runs the experiment.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'accelerator',
    'cpu',
    '; '.join(f'{e}: {", ".join(a)}' for e, a in machines.ACCELERATORS.items()),
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'topology',
    '',
    'Topology of a TPU slice, as 4x4 or 2x2x4.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_processes',
    1,
    'GPU nodes, or processes on this machine; of TPUs the topology tells.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'devices_per_process',
    1,
    'GPUs of a node; virtual devices of a CPU.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'port',
    0,
    'Port of process 0 where several processes train on this machine; the next'
    ' points of a sweep use the ports after it. With 0 each gets a free one.',
    lower_bound=0,
    upper_bound=65535,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'image', '', 'Container image for GKE and Vertex.', flag_values=FLAGS
)
flags.DEFINE_string(
    'volume',
    '',
    'CLAIM:/PATH: PersistentVolumeClaim that GKE mounts there.',
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    'xmanager',
    True,
    'Through XManager; --noxmanager runs processes here without it.',
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    'dry_run',
    False,
    'Whether the commands are printed and nothing is started.',
    flag_values=FLAGS,
)


def main(argv: list[str]) -> int:
  if len(argv) > 1:
    raise UserError(f'{argv[1]!r} is not a flag; see --help.')
  experiment, machine = _experiment(), _machine()
  experiments.check(experiment)
  runs = {
      plans.job_name(experiment, unit): plans.workers(
          experiment, unit, machine, _port(machine, number)
      )
      for number, unit in enumerate(sweeps.units(experiment.sweeps))
  }
  if FLAGS.dry_run:
    for group in runs.values():
      print('\n\n'.join(map(plans.describe, group)), end='\n\n')
    return 0
  if FLAGS.xmanager:
    return _launch(experiment, runs, machine)
  experiments.record(experiment)
  return local.run(runs.values())


def _port(machine: Machine, number: int) -> int:
  if machine.executor != 'local' or machine.num_processes == 1:
    return 0
  return ports.check(FLAGS.port + number) if FLAGS.port else ports.free()


def _launch(experiment: Experiment, runs: Runs, machine: Machine) -> int:
  # Imported late: XManager is an extra, and --dry_run does without.
  try:
    from launch import xm_units
  except ModuleNotFoundError as error:
    raise UserError(
        f'There is no {error.name} here; pip install -c constraints.txt -e'
        " '.[launch]', or add --noxmanager to run without it."
    ) from error
  experiments.record(experiment)
  claim, _, path = FLAGS.volume.partition(':')
  container = Container(FLAGS.image, claim, path)
  return xm_units.launch(experiment.name, runs, machine, container)


def _experiment() -> Experiment:
  if not FLAGS.experiment:
    raise UserError('Give --experiment=NAME.')
  return Experiment(
      FLAGS.experiment,
      FLAGS.experiments_dir,
      tuple(FLAGS.gin_file),
      tuple(FLAGS.gin_bindings),
      tuple(map(sweeps.parse, FLAGS.sweep)),
  )


def _machine() -> Machine:
  machine = machines.check(
      Machine(
          FLAGS.executor,
          FLAGS.accelerator,
          FLAGS.num_processes,
          FLAGS.devices_per_process,
          FLAGS.topology,
      )
  )
  if machine.executor == 'local':
    return machine
  if not FLAGS.xmanager:
    raise UserError(
        '--noxmanager is for this machine; without XManager fill in'
        ' launch/gke.yaml or launch/slurm.sh.'
    )
  if not FLAGS.image:
    raise UserError(
        f'--executor={machine.executor} needs --image=REGISTRY/NAME; see'
        ' launch/Dockerfile.'
    )
  if FLAGS.volume and not re.fullmatch('[^:]+:/[^:]*', FLAGS.volume):
    raise UserError(f'--volume={FLAGS.volume} is not CLAIM:/PATH.')
  return machine


def run() -> None:
  """Entry point."""

  verb.run(main, FLAGS, gin_flags.rewrite(sys.argv))


if __name__ == '__main__':
  run()
