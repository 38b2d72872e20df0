"""Trees of arrays on disk: Orbax, with names instead of classes."""

import contextlib
from collections.abc import Iterator

import jax
import orbax.checkpoint as ocp
from etils import epath
from flax import traverse_util
from jaxtyping import PyTree

from audiolm_jax.errors import UserError

# Errors of Orbax and TensorStore on files that they did not write.
_UNREADABLE = (ValueError, KeyError, TypeError)


def by_name(tree: PyTree) -> PyTree:
  """Nested dicts by name, so that the file outlives the classes of the tree."""
  leaves = jax.tree.leaves_with_path(tree)
  return traverse_util.unflatten_dict(
      {names(path): leaf for path, leaf in leaves}
  )


def names(path: jax.tree_util.KeyPath) -> tuple[str, ...]:
  """Names of the containers on the way to a leaf."""
  return tuple(jax.tree_util.keystr([key], simple=True) for key in path)


def restore(folder: epath.Path, like: PyTree) -> PyTree:
  """Restores an item into the tree, dtypes and shardings of `like`."""
  with _readable(folder), ocp.StandardCheckpointer() as checkpointer:
    found = checkpointer.restore(folder, by_name(like))
  found = traverse_util.flatten_dict(found)
  return jax.tree.map_with_path(lambda path, _: found[names(path)], like)


def restore_stored(folder: epath.Path) -> PyTree:
  """Restores an item as it lies on disk, on one device."""
  one_device = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
  like = jax.tree.map(
      lambda leaf: jax.ShapeDtypeStruct(
          leaf.shape, leaf.dtype, sharding=one_device
      ),
      _stored(folder),
  )
  return restore(folder, like)


def differences(folder: epath.Path, like: PyTree) -> list[str]:
  """Arrays whose names, shapes or dtypes differ, each in a few words.

  Orbax would answer with thousands of lines.
  """
  stored, wanted = (
      {
          '/'.join(names): f'{leaf.dtype}{list(leaf.shape)}'
          for names, leaf in traverse_util.flatten_dict(tree).items()
      }
      for tree in (_stored(folder), by_name(like))
  )
  return [
      f'{name} is {stored.get(name, "not there")}, this run has'
      f' {wanted.get(name, "no such array")}'
      for name in sorted(stored.keys() | wanted.keys())
      if stored.get(name) != wanted.get(name)
  ]


def _stored(folder: epath.Path) -> PyTree:
  """Shapes and dtypes of an item."""
  with _readable(folder):
    return ocp.StandardCheckpointHandler().metadata(folder).tree


@contextlib.contextmanager
def _readable(folder: epath.Path) -> Iterator[None]:
  try:
    yield
  except _UNREADABLE as error:
    said = str(error).partition('\n')[0][:200]
    raise UserError(
        f'{folder} holds no arrays that can be read ({said}); choose another'
        ' checkpoint, or copy the run again.'
    ) from error
