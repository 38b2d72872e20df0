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
import os
import signal
import sys
from collections.abc import Iterator

from absl import flags

from audiolm_jax.cli import gin_flags, verb
from audiolm_jax.errors import UserError

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
    'coordinator_address',
    None,
    'Address of process 0, as host:port.',
    flag_values=FLAGS,
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


def main(argv: list[str]) -> int:
  if len(argv) > 1:
    raise UserError(f'{argv[1]!r} is not a flag; see audiolm train --help.')
  with _sigterm_is_a_stop():
    # Late, so that --help need not wait for JAX.
    from audiolm_jax.cli.actions import train

    return 0 if train.main(FLAGS) else STOPPED


@contextlib.contextmanager
def _sigterm_is_a_stop() -> Iterator[None]:
  """Until the loop listens, imports included, there is nothing to save."""
  previous = signal.signal(signal.SIGTERM, lambda *_: os._exit(STOPPED))
  try:
    yield
  finally:
    signal.signal(signal.SIGTERM, previous)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, gin_flags.rewrite(sys.argv))


if __name__ == '__main__':
  run()
