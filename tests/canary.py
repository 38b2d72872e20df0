"""A pickle that can be seen to have been run."""

import pathlib
import pickle


class Canary:
  """Whoever unpickles it makes a file."""

  def __init__(self, path: pathlib.Path):
    self.path = path

  def __reduce__(self):
    return pathlib.Path.touch, (self.path,)

  @property
  def pickled(self) -> bytes:
    return pickle.dumps(self)

  def check_silent(self) -> None:
    """Fails if the pickle was run, or if that could not have been seen."""
    assert not self.path.exists()
    pickle.loads(self.pickled)
    assert self.path.exists()
    self.path.unlink()
