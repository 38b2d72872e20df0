"""A plan as text: where the bytes go, and what to do about it."""

import itertools
import math
import re
from typing import Any, NamedTuple

import jax
from jax.sharding import PartitionSpec

from audiolm_jax.training.planning.dry_run import USABLE, Plan, device_bytes

_GIB = 2**30


class _Leaf(NamedTuple):
  """A parameter, the module it belongs to and the names of its axes."""

  module: str
  path: str
  array: Any
  names: PartitionSpec


def report(plan: Plan) -> str:
  """A readable account, with the advice in its last line."""
  parts = ([_title(plan)], _parameters(plan), _memory(plan), _work(plan))
  lines = itertools.chain.from_iterable([*part, ''] for part in parts)
  return '\n'.join([*lines, advice(plan)])


def advice(plan: Plan) -> str:
  """Says whether it fits; if not, which accumulation keeps the global batch."""
  most, rows = plan.most_rows(), plan.rows_per_device
  if plan.accumulation == 1:
    return (
        f'Fits: {rows} rows a device make the global batch of {plan.rows}, and'
        f' up to {most} would fit (a batch of {most * plan.mesh["data"]}).'
    )
  if plan.pieces is None and most:
    batch = most * plan.mesh['data']
    return (
        f'Does not fit: {rows} rows a device, and at most {most} would, a'
        f' BATCH_SIZE of {batch}. This model takes a batch at one go: the'
        f' global batch of {plan.rows} needs more devices.'
    )
  if plan.accumulation is None:
    return (
        'Does not fit, not even with one row a device and gradient'
        f' accumulation: {_gib(plan.needed)} GiB are needed for {rows} rows,'
        f' {_gib(plan.usable)} usable. Spread the parameters (fsdp=True of'
        ' standard_logical_axis_rules, or model of make_mesh), shorten the'
        ' crops or make the model smaller.'
    )
  parts = plan.accumulation
  return (
      f'Does not fit: {rows} rows a device, and at most {most} would. In'
      f' {parts} times as many pieces (NUM_MICROBATCHES) the global'
      f' batch of {plan.rows} fits: {plan.rows // parts} rows a piece,'
      f' {rows // parts} a device.'
  )


def _title(plan: Plan) -> str:
  mesh = ' x '.join(f'{name}={size}' for name, size in plan.mesh.items())
  device = plan.device
  return (
      f'{math.prod(plan.mesh.values())} devices {device.name}'
      f' ({device.memory_gib:g} GiB, {device.teraflops:g} TFLOP/s in bfloat16)'
      f' as {mesh}; a global batch of {plan.rows}'
  )


def _parameters(plan: Plan) -> list[str]:
  lines = [
      f'{"parameters":<20} {"millions":>9} {"GiB/device":>10}  largest: shape'
      " (axes) -> a device's share"
  ]
  leaves = sorted(_leaves(plan), key=lambda leaf: leaf.module)
  for module, group in itertools.groupby(leaves, lambda leaf: leaf.module):
    group = list(group)
    number = sum(leaf.array.size for leaf in group) / 1e6
    held = device_bytes([leaf.array for leaf in group])
    largest = max(group, key=lambda leaf: leaf.array.size)
    lines.append(
        f'  {module:<18} {number:>9.2f} {_gib(held):>10}  {_example(largest)}'
    )
  return lines


def _leaves(plan: Plan) -> list[_Leaf]:
  """Modules that differ by a number alone are one."""
  arrays = jax.tree.leaves_with_path(plan.state.params)
  names = jax.tree.leaves(plan.axis_names)
  leaves = []
  for (path, array), axes in zip(arrays, names, strict=True):
    path = jax.tree_util.keystr(path, simple=True, separator='/')
    module = re.sub(r'\d+$', '*', path.split('/')[0])
    leaves.append(_Leaf(module, path, array, axes))
  return leaves


def _example(leaf: _Leaf) -> str:
  array = leaf.array
  share = array.sharding.shard_shape(array.shape)
  names = ', '.join(str(name) for name in leaf.names)
  return f'{leaf.path} {array.shape} ({names}) -> {share}'


def _memory(plan: Plan) -> list[str]:
  rows = plan.rows_per_device
  held = {
      'parameters': device_bytes(plan.state.params),
      'optimizer state': device_bytes(plan.state.opt_state),
      'other variables': device_bytes(plan.state.mutables),
      'gradients': plan.gradient_bytes,
      f'activations, {rows} rows': rows * plan.activation_bytes,
      'in all': plan.needed,
  }
  lines = [f'  {name:<28} {_gib(size):>9}' for name, size in held.items()]
  lines[-2] += f'  estimate: {_gib(plan.activation_bytes)} a row{_bound(plan)}'
  lines[-1] += (
      f'  of {_gib(plan.usable)} usable ({USABLE:.0%} of'
      f' {plan.device.memory_gib:g})'
  )
  return [f'{"a device holds":<30} {"GiB":>9}', *lines]


def _bound(plan: Plan) -> str:
  return ', at most: not divided over model' * (plan.mesh['model'] > 1)


def _work(plan: Plan) -> list[str]:
  return [
      f'A step is {plan.flops:.3g} FLOPs (products and convolutions, as the'
      f' program has them): {plan.seconds:.3g} s at 50 % of the peak.'
  ]


def _gib(size: float | int) -> str:
  return f'{size / _GIB:.3f}'
