"""A number for each array of a tree, whatever devices hold it.

Files are sealed by digests.py; these are taken from the arrays themselves,
before they are written and after they are read, perhaps by other devices on
another mesh, and see what went wrong in between.
"""

import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree, Shaped, UInt32

from audiolm_jax.training.checkpoints import trees


def of_leaves(tree: PyTree) -> dict[str, int]:
  """A checksum by path for each array; the same on all processes.

  Any change of one element shows for certain, any other but for one in 2^32.
  """
  leaves = {
      '/'.join(trees.names(path)): leaf
      for path, leaf in jax.tree.leaves_with_path(tree)
  }
  found = jax.device_get(_of_leaves(leaves))
  return {name: int(checksum) for name, checksum in found.items()}


def changed(tree: PyTree, expected: Mapping[str, int]) -> list[str]:
  """Paths of the arrays that are not what they were."""
  found = of_leaves(tree)
  return [name for name in found if found[name] != expected.get(name)]


@jax.jit
def _of_leaves(leaves: dict[str, Array]) -> dict[str, Array]:
  return jax.tree.map(_of_leaf, leaves)


def _of_leaf(leaf: Shaped[Array, '...']) -> UInt32[Array, '']:
  """A sum, because sums do not care how devices share them."""
  if leaf.dtype == jnp.bool_:
    leaf = leaf.astype(jnp.uint8)
  unsigned = jnp.dtype(f'uint{8 * leaf.dtype.itemsize}')
  bits = jax.lax.bitcast_convert_type(leaf, unsigned).astype(jnp.uint32)
  return jnp.sum(_mix(bits ^ _mix(_places(leaf.shape))), dtype=jnp.uint32)


def _places(shape: tuple[int, ...]) -> UInt32[Array, '...']:
  """The number of each element, in C order, modulo 2^32."""
  axes = [
      jax.lax.broadcasted_iota(jnp.uint32, shape, axis)
      for axis in range(len(shape))
  ]
  return functools.reduce(
      lambda place, axis: place * jnp.uint32(shape[axis[0]]) + axis[1],
      enumerate(axes),
      jnp.uint32(0),
  )


def _mix(x: UInt32[Array, '...']) -> UInt32[Array, '...']:
  """One to one, and spreads every bit: MurmurHash3's finalizer."""
  x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
  x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
  return x ^ (x >> 16)
