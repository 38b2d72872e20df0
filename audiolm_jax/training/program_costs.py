"""Costs of a step, read from its jaxpr: nothing is compiled or allocated."""

import math
from collections.abc import Iterator

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Var

# XLA computes these where they are used, and never stores them.
_FREE = {'broadcast_in_dim', 'iota'}


def flops(jaxpr: Jaxpr) -> int:
  """FLOPs of matrix products and convolutions: two for a multiply-add.

  XLA's own cost analysis counts the body of a loop once, however often it runs,
  and so is an order of magnitude low where layers are scanned.
  """
  total = 0
  for eqn in jaxpr.eqns:
    inner = [flops(body) for body in bodies(eqn)]
    if eqn.primitive.name == 'cond':
      inner = [max(inner)]
    total += _own_flops(eqn) + eqn.params.get('length', 1) * sum(inner)
  return total


def live_bytes_per_row(small: Jaxpr, large: Jaxpr, rows: int) -> float:
  """The most that a row of the batch holds at any time of a program.

  Values live from where they are made to their last use, in program order. What
  the backward pass keeps is in it, and what is alive for a moment; XLA fuses
  some of the latter away. What does not grow with the batch counts as nothing.

  Args:
    small: A program.
    large: The same, traced on a batch that has more rows.
    rows: Number of rows that `large` has on top of those of `small`.
  """
  pairs = zip(small.invars, large.invars, strict=True)
  batch = sum(_bytes(w) - _bytes(v) for v, w in pairs)
  return (batch + _peak(small, large)) / rows


def _own_flops(eqn: JaxprEqn) -> int:
  if eqn.primitive.name == 'dot_general':
    (contracted, _), _ = eqn.params['dimension_numbers']
    lhs = eqn.invars[0].aval.shape
    depth = math.prod(lhs[axis] for axis in contracted)
  elif eqn.primitive.name == 'conv_general_dilated':
    kernel = eqn.invars[1].aval
    num_outputs = kernel.shape[eqn.params['dimension_numbers'].rhs_spec[0]]
    # A transposed convolution spreads its input with zeros.
    depth = kernel.size / num_outputs / math.prod(eqn.params['lhs_dilation'])
  else:
    return 0
  return int(2 * depth * eqn.outvars[0].aval.size)


def bodies(eqn: JaxprEqn) -> Iterator[Jaxpr]:
  """The programs within an equation."""
  for value in eqn.params.values():
    for item in value if isinstance(value, (tuple, list)) else (value,):
      if isinstance(item, ClosedJaxpr):
        yield item.jaxpr
      elif isinstance(item, Jaxpr):
        yield item


def _peak(small: Jaxpr, large: Jaxpr) -> int:
  """Most bytes by which the large program's own values exceed the small's."""
  last_use = _last_uses(small)
  alive, peak = {}, 0
  pairs = zip(small.eqns, large.eqns, strict=True)
  for index, (eqn, larger) in enumerate(pairs):
    within = zip(bodies(eqn), bodies(larger), strict=True)
    inner = max((_peak(*pair) for pair in within), default=0)
    outputs = _growth(eqn, larger)
    before = sum(alive.values())
    peak = max(peak, before + max(inner, sum(outputs.values())))
    alive |= outputs
    alive = {v: n for v, n in alive.items() if last_use.get(v, -1) > index}
  return peak


def _last_uses(jaxpr: Jaxpr) -> dict[Var, int]:
  """The last equation to read each value; results stay to the end."""
  uses = {}
  for index, eqn in enumerate(jaxpr.eqns):
    uses |= {v: index for v in eqn.invars if isinstance(v, Var)}
  results = {v: len(jaxpr.eqns) for v in jaxpr.outvars if isinstance(v, Var)}
  return uses | results


def _growth(eqn: JaxprEqn, larger: JaxprEqn) -> dict[Var, int]:
  if eqn.primitive.name in _FREE:
    return {}
  pairs = zip(eqn.outvars, larger.outvars, strict=True)
  growth = {v: _bytes(w) - _bytes(v) for v, w in pairs}
  return {v: grown for v, grown in growth.items() if grown}


def _bytes(var: Var) -> int:
  return var.aval.size * getattr(var.aval.dtype, 'itemsize', 4)
