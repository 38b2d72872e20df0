"""Trains a model as Gin files say, and goes on where it stopped before.

Examples:
  audiolm train --gin_file=gin/soundstream.gin \\
      --gin.MANIFEST="'corpus/manifest.jsonl'" \\
      --gin.MODEL_DIR="'runs/soundstream'"
  audiolm train --gin_file=gin/semantic.gin --gin.TOKENS="'tokens'" \\
      --gin.MODEL_DIR="'runs/semantic'" --gin.TRAIN_STEPS=1000
  audiolm train --dry_run --device=tpu-v4 --num_devices=64 \\
      --gin_file=gin/coarse.gin --gin_file=gin/no_tokens.gin \\
      --gin.MODEL_DIR="''"

Files are read in the order given and later ones win; --gin.NAME=VALUE and
--gin_bindings win over files. VALUE is Python: a string needs its own quotes.

Exit codes: 0, all steps are taken; 75, SIGTERM or the time limit stopped the
run, which goes on when started again; 130, Ctrl-C did, and it goes on likewise;
2, a mistake of yours; else a failure.

--dry_run trains nothing: it says what each device would hold, on devices that
need not be there, and the largest batch that fits. v4-128 is 64 devices.
"""

import contextlib
import inspect
import os
import pathlib
import re
import signal
import sys
from collections.abc import Iterator

import gin
from absl import flags

from audiolm_jax.cli import extras, moved, verb
from audiolm_jax.cli.bindings import check_read
from audiolm_jax.errors import UserError
from audiolm_jax.training import (
    devices,
    distributed,
    loop,
    memory,
    partitioning,
)
from audiolm_jax.training.planning import dry_run, report

FLAGS = flags.FlagValues()
flags.DEFINE_multi_string(
    'gin_file', [], 'Gin file; may be repeated.', flag_values=FLAGS
)
flags.DEFINE_multi_string(
    'gin_bindings', [], 'One binding; may be repeated.', flag_values=FLAGS
)
flags.DEFINE_multi_string(
    'gin_search_paths',
    ['.'],
    'Folders where Gin files are looked for.',
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    'multiprocess',
    False,
    'Several processes train together: TPU pods, Slurm and Kubernetes are'
    ' recognised; elsewhere give the next three flags.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'coordinator_address', None, 'host:port of process 0.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'num_processes',
    None,
    'Number of processes that train together.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'process_id', None, 'Number of this process, from 0.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'peer_timeout_seconds',
    100,
    'A process that is silent for so long is dead, and ends the others.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    'dry_run', False, 'Plans the run and does not train.', flag_values=FLAGS
)
flags.DEFINE_string(
    'device',
    None,
    'Kind of the devices that a dry run plans for, such as tpu-v4.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_devices',
    1,
    'Number of devices of a dry run, over all processes.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'device_memory_gib',
    None,
    'Memory of a device of a dry run in GiB, if other than its kind has.',
    flag_values=FLAGS,
)

# Tells launchers to start the run again: it has more steps to take.
STOPPED = os.EX_TEMPFAIL

_REPOSITORY = str(pathlib.Path(__file__).parents[2])
_DESCRIBED = """
from __gin__ import dynamic_registration
from audiolm_jax.training import partitioning
partitioning.make_mesh.num_described = """


def rewrite_gin_flags(argv: list[str]) -> list[str]:
  """Turns t5x's `--gin.NAME=VALUE` into `--gin_bindings=NAME=VALUE`."""
  return [
      arg.replace('--gin.', '--gin_bindings=', 1)
      if arg.startswith('--gin.')
      else arg
      for arg in argv
  ]


def main(argv: list[str]) -> int:
  if len(argv) > 1:
    raise UserError(f'{argv[1]!r} is not a flag; see audiolm train --help.')
  with _sigterm_is_a_stop():
    return _main()


def _main() -> int:
  memory.keep_freed_memory()
  if FLAGS.multiprocess:
    distributed.join(
        FLAGS.coordinator_address,
        FLAGS.num_processes,
        FLAGS.process_id,
        FLAGS.peer_timeout_seconds,
    )
  if FLAGS.device and not FLAGS.dry_run:
    raise UserError('--device describes one for --dry_run, which is not given.')
  parse_gin(FLAGS.gin_file, FLAGS.gin_bindings, FLAGS.gin_search_paths)
  if FLAGS.dry_run:
    print(plan_of_run(FLAGS.device, FLAGS.num_devices, FLAGS.device_memory_gib))
    return 0
  arguments = bound_arguments()
  state = loop.train(**arguments, operative_config=operative_config())
  return 0 if int(state.step) >= arguments['num_steps'] else STOPPED


def parse_gin(
    files: list[str], bindings: list[str], search_paths: list[str]
) -> None:
  """Reads the configuration; what Gin finds wrong becomes a UserError."""
  if not files:
    raise UserError('Give --gin_file=FILE; gin/ holds one for each model.')
  for folder in (*search_paths, _REPOSITORY):
    gin.add_config_file_search_path(folder)
  with _gin_errors(ValueError, ImportError, AttributeError, OSError):
    gin.parse_config_files_and_bindings(files, bindings)
  check_read(bindings)


def bound_arguments() -> dict[str, object]:
  """Builds what the configuration binds to the arguments of `loop.train`."""
  with _gin_errors(RuntimeError):
    arguments = _bindings()
  try:
    inspect.signature(loop.train).bind(**arguments)
  except TypeError as error:
    raise UserError(f'The Gin files do not set train: {error}.') from error
  return arguments


def plan_of_run(
    device: str | None, num_devices: int, memory_gib: float | None
) -> str:
  """The configured run's costs on devices that are only described."""
  kind = devices.find(device or '', memory_gib)
  with gin.unlock_config():
    gin.parse_config(_DESCRIBED + str(num_devices))
  arguments = bound_arguments()
  partitioner = arguments.get('partitioner')
  plan = dry_run.plan(
      arguments['train_step'],
      arguments['train_data'],
      kind,
      partitioner or partitioning.default_partitioner(num_devices),
  )
  return report.report(plan)


def operative_config() -> str:
  """The configuration with the defaults that were used; itself a Gin file.

  Gin's own operative configuration knows what has been called. Factories that
  the loop calls later, such as evaluation data, are added as they are bound.
  """
  called = _sections(gin.operative_config_str())
  sections = _sections(gin.config_str()) | {
      head: section
      for head, section in called.items()
      if head.startswith('# Parameters for')
  }
  return '\n\n'.join(sections.values()) + '\n'


def _bindings() -> dict[str, object]:
  try:
    return gin.get_bindings(loop.train)
  except ValueError as error:
    if repr(loop.train) not in str(error):
      raise
    raise UserError(
        'No Gin file binds audiolm_jax.training.loop.train; start from one of'
        ' those in gin/.'
    ) from error


def _sections(text: str) -> dict[str, str]:
  sections = text.strip().split('\n\n')
  return {section.partition('\n')[0]: section for section in sections}


@contextlib.contextmanager
def _sigterm_is_a_stop() -> Iterator[None]:
  """Until the loop listens there is nothing to save."""
  previous = signal.signal(signal.SIGTERM, lambda *_: os._exit(STOPPED))
  try:
    yield
  finally:
    signal.signal(signal.SIGTERM, previous)


@contextlib.contextmanager
def _gin_errors(*kinds: type[Exception]):
  try:
    yield
  except UserError:
    raise
  except SyntaxError as error:
    raise UserError(
        f'Gin cannot read {(error.text or str(error)).strip()!r}; a string'
        ' needs its own quotes, as in --gin.MODEL_DIR="\'runs/x\'".'
    ) from error
  except kinds as error:
    # Gin's own copy of the error has lost the name.
    module = re.match(r"No module named '([\w.]+)'", str(error).strip())
    if module and extras.extra_of(module[1]):
      raise ModuleNotFoundError(module[0], name=module[1]) from error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    renamed = moved.hint(lines[0]) if lines else None
    if renamed:
      lines[0] = f'{renamed}; change the import.'
    raise UserError(f'Gin: {" ".join(lines)}') from error


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, rewrite_gin_flags(sys.argv))


if __name__ == '__main__':
  run()
