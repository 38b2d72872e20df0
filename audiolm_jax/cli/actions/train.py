"""Trains, or plans to, as the flags of `audiolm train` say."""

import shlex
from collections.abc import Mapping
from typing import Any

import gin
import jax
from absl import flags

from audiolm_jax.cli import gin_config
from audiolm_jax.errors import UserError
from audiolm_jax.training import (
    devices,
    distributed,
    loop,
    memory,
    partitioning,
)
from audiolm_jax.training.planning import dry_run, report

_DESCRIBED = """
from __gin__ import dynamic_registration
from audiolm_jax.training import partitioning
partitioning.make_mesh.num_described = """


def main(values: flags.FlagValues) -> bool:
  """Returns whether all steps are taken."""
  memory.keep_freed_memory()
  if values.multiprocess:
    distributed.join(
        values.coordinator_address,
        values.num_processes,
        values.process_id,
        values.peer_timeout_seconds,
    )
  if values.device and not values.dry_run:
    raise UserError('--device describes one for --dry_run, which is not given.')
  gin_config.parse(
      values.gin_file, values.gin_bindings, values.gin_search_paths
  )
  if values.dry_run:
    print(
        plan_of_run(values.device, values.num_devices, values.device_memory_gib)
    )
    return True
  arguments = gin_config.bound_arguments()
  state = loop.train(**arguments, operative_config=gin_config.operative())
  done = int(state.step) >= arguments['num_steps']
  if jax.process_index() == 0:
    print(_ending(int(state.step), done, arguments))
  return done


def _ending(step: int, done: bool, arguments: Mapping[str, Any]) -> str:
  """Says where the run is, and what goes on from there."""
  folder = shlex.quote(arguments['model_dir'])
  if not done:
    return (
        f'Stopped after step {step} of {arguments["num_steps"]}; the same'
        f' command goes on from {folder}.'
    )
  kind = arguments['train_step'].model_config().get('kind')
  # It has features and no tokens yet.
  verb = 'cluster --model=' if kind == 'w2v_bert' else 'bundle '
  return f'Took step {step}, the last. Next: audiolm {verb}{folder} ...'


def plan_of_run(
    device: str | None, num_devices: int, memory_gib: float | None
) -> str:
  """The configured run's costs on devices that are only described."""
  kind = devices.find(device or '', memory_gib)
  with gin.unlock_config():
    gin.parse_config(_DESCRIBED + str(num_devices))
  arguments = gin_config.bound_arguments()
  partitioner = arguments.get('partitioner')
  plan = dry_run.plan(
      arguments['train_step'],
      arguments['train_data'],
      kind,
      partitioner or partitioning.default_partitioner(num_devices),
  )
  return report.report(plan)
