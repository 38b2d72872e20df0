"""Networks that packages bring along, without running the packages."""

import importlib.util
import pathlib
from typing import Any

from audiolm_jax.evaluation.tables import Missing, missing


def session(package: str, path: str, how: Missing) -> Any | Missing:
  """An ONNX network on one core, so that it is the same beside other work.

  Args:
    package: Name of a package, which is only looked up and not imported.
    path: Path of the network in it.
    how: Cell that says how to install the package.
  """
  if not (found := _folder(package)):
    return how
  try:
    import onnxruntime
  except ImportError:
    return missing('onnxruntime')
  options = onnxruntime.SessionOptions()
  options.intra_op_num_threads = 1
  return onnxruntime.InferenceSession(str(found / path), options)


def _folder(package: str) -> pathlib.Path | None:
  spec = importlib.util.find_spec(package)
  places = spec.submodule_search_locations if spec else None
  return pathlib.Path(places[0]) if places else None
