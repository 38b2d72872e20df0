"""Learns on from a bundle, as the flags of `audiolm finetune` say."""

import pathlib
import shlex
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from absl import flags

from audiolm_jax import files
from audiolm_jax.bundle import folder as bundle_folder
from audiolm_jax.bundle.names import PREDICTORS, TOKENIZERS
from audiolm_jax.cli.actions import learning
from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import best

# Some recordings could not be read, and were named and left out.
_LEFT_OUT = 1


class _Stopped(Exception):
  """A command ended with an exit code that is not 0."""


def main(values: flags.FlagValues) -> int:
  """Returns 0, or the exit code of the command that stopped."""
  configs = bundle_folder.configs_of(values.model)
  names = _names(configs, values.parts, values.model)
  output = files.writable(values.output_dir)
  training = output / 'training'
  training.mkdir(exist_ok=True)
  try:
    manifests = _listed(values.input, training, values.licence)
    _extract(manifests, values.model, training)
    learnt = [_learn(name, configs[name], values, training) for name in names]
    _bundle(learnt, names, manifests, values.model, output)
  except _Stopped as stopped:
    return stopped.args[0]
  print(f'Hear it: audiolm generate --model={shlex.quote(str(output))} ...')
  return 0


def _names(
    configs: Collection[str], wanted: Sequence[str] | None, model: str
) -> list[str]:
  """The parts that learn, in the order of the chain."""
  missing = [name for name in TOKENIZERS if name not in configs]
  missing += [name for name in wanted or () if name not in configs]
  if missing:
    raise UserError(
        f'--model={model} has no {missing[0]}; it has {", ".join(configs)}.'
    )
  if wanted is None:
    parallel = 'soundstorm' in configs
    wanted = ['semantic', *(['soundstorm'] if parallel else ['coarse', 'fine'])]
  names = [name for name in PREDICTORS if name in wanted and name in configs]
  if not names:
    raise UserError(f'--model={model} has no part that could learn.')
  return names


def _listed(
    inputs: Sequence[str], training: pathlib.Path, licence: str
) -> list[str]:
  """Manifests of all inputs; those of folders and globs are written."""
  manifests = []
  for number, source in enumerate(inputs):
    if source.endswith(('.jsonl', '.json')):
      manifests.append(source)
      continue
    manifests.append(str(training / f'corpus_{number}.jsonl'))
    _run(
        'corpus',
        'folder',
        source,
        manifests[-1],
        f'--licence={licence}',
        passed=(_LEFT_OUT,),
    )
  return manifests


def _extract(
    manifests: Sequence[str], model: str, training: pathlib.Path
) -> None:
  _run(
      'extract',
      *(f'--input={path}' for path in manifests),
      f'--model={model}',
      f'--output_dir={training / "tokens"}',
      passed=(_LEFT_OUT,),
  )


def _learn(
    name: str,
    config: Mapping[str, Any],
    values: flags.FlagValues,
    training: pathlib.Path,
) -> str:
  """Trains a part; returns its best checkpoint."""
  run = training / name
  settings = learning.Settings(
      values.model,
      str(training / 'tokens'),
      str(run),
      values.steps,
      values.batch_size,
      values.learning_rate,
  )
  _run('train', *learning.arguments(name, config, settings))
  return _best(name, run, values.steps)


def _bundle(
    learnt: Sequence[str],
    names: Sequence[str],
    manifests: Sequence[str],
    model: str,
    output: pathlib.Path,
) -> None:
  # Parts take as much room as they did.
  stored = bundle_folder.dtypes(model)
  small = [name for name in names if stored[name] == 'int8']
  _run(
      'bundle',
      *learnt,
      f'--base={model}',
      *([f'--int8={",".join(small)}'] if small else []),
      *(f'--manifest={path}' for path in manifests),
      f'--output_dir={output}',
  )


def _best(name: str, run: pathlib.Path, num_steps: int) -> str:
  """The checkpoint that knows the held-out recordings best."""
  step, loss = best.checkpoint(run, 'loss')
  print(f'{name}: the loss on what is held out is lowest, {loss:.3f} nats, at')
  print(f'  step {step}, which is taken.', end='')
  # It overfits from its best step on; without an end to the fall there is none.
  more = ' It was still falling: more --steps may help.'
  print(more if step == num_steps else '')
  return str(run / 'checkpoints' / str(step))


def _run(*arguments: str, passed: Sequence[int] = ()) -> None:
  """Prints and runs `audiolm ARGUMENTS`.

  Raises:
    _Stopped: The command's exit code is neither 0 nor one of `passed`.
  """
  print(f'$ {shlex.join(["audiolm", *arguments])}', flush=True)
  command = [sys.executable, '-m', 'audiolm_jax.cli.main', *arguments]
  code = subprocess.run(command).returncode
  if code and code not in passed:
    raise _Stopped(code)
