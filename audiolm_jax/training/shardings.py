"""From the names of axes to where arrays lie."""

from collections.abc import Sequence
from typing import Any

import jax
from flax import linen as nn
from jax.sharding import AbstractMesh, Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.training.state import is_boxed, unbox

AxisRules = Sequence[tuple[str, str | None]]


def of_variables(
    boxed: PyTree, mesh: Mesh | AbstractMesh, rules: AxisRules
) -> PyTree:
  """Follows the rules for boxed variables; the others are replicated.

  Raises:
    UserError: An axis name has no rule or a size does not divide.
  """
  _check_names(boxed, rules)
  shardings = nn.logical_to_mesh_sharding(axis_names(boxed), mesh, rules)
  names = axis_names(boxed)
  jax.tree.map_with_path(_check_divides, unbox(boxed), shardings, names)
  return shardings


def axis_names(boxed: PyTree) -> PyTree:
  """The logical names of each variable's axes, as a PartitionSpec."""
  return nn.get_partition_spec(boxed)


def of_optimizer(
    opt_state: PyTree, params: PyTree, shardings: PyTree, default: NamedSharding
) -> PyTree:
  """Shards what the optimizer keeps for a parameter like that parameter.

  It is known by the end of its path and its shape: moments match, Adafactor's
  factored rows and columns do not and are replicated.
  """
  known = {}
  params = jax.tree.leaves_with_path(params)
  for (path, leaf), sharding in zip(
      params, jax.tree.leaves(shardings), strict=True
  ):
    # An optimizer of one part (the discriminator) sees no top-level name.
    for tail in (path[1:], path):
      known[_name(tail), leaf.shape] = sharding

  def of(path: jax.tree_util.KeyPath, leaf: Any) -> NamedSharding:
    # In front of a parameter's own path optax puts the places of its chain,
    # which differ from optimizer to optimizer: the longest tail wins.
    tails = [_name(path[start:]) for start in range(len(path))]
    found = [known[t, leaf.shape] for t in tails if (t, leaf.shape) in known]
    return found[0] if found else default

  return jax.tree.map_with_path(of, opt_state)


def _check_names(boxed: PyTree, rules: AxisRules) -> None:
  """Flax would silently replicate an axis whose name has no rule."""
  known = {name for name, _ in rules}
  leaves = jax.tree.leaves_with_path(boxed, is_leaf=is_boxed)
  for path, leaf in leaves:
    unknown = set(leaf.names) - known - {None} if is_boxed(leaf) else set()
    if unknown:
      raise UserError(
          f'{_name(path)} names its axes {leaf.names}, but there is no rule for'
          f' {sorted(unknown)}; known are {sorted(known)}.'
      )


def _check_divides(
    path: jax.tree_util.KeyPath,
    leaf: Any,
    sharding: NamedSharding,
    names: PartitionSpec,
) -> None:
  """A mesh axis may stand for no more than one axis, as the rules have it."""
  mesh = dict(sharding.mesh.shape)
  for axis, over in enumerate(sharding.spec):
    if over is not None and leaf.shape[axis] % mesh[over]:
      raise UserError(
          f'{_name(path)} of shape {leaf.shape} does not divide: its axis'
          f' {names[axis]!r} of {leaf.shape[axis]} goes over {over}='
          f'{mesh[over]} in a mesh of {mesh}; change the size or the mesh.'
      )


def _name(path: jax.tree_util.KeyPath) -> str:
  return jax.tree_util.keystr(path, simple=True, separator='/')
