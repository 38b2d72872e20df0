"""Default readers of a token store: seqio's, or Grain's without seqio."""

import importlib.util
import types

from audiolm_jax.tokens.batches import plan

_SEQIO = ('seqio', 'tensorflow')


def of_sequences() -> plan.Reader:
  """seqio_reader.sequences, or grain_reader's where seqio is missing."""
  return _reader().sequences


def of_windows() -> plan.Reader:
  """seqio_reader.windows, or grain_reader's where seqio is missing."""
  return _reader().windows


def _reader() -> types.ModuleType:
  """Imports either; TensorFlow takes seconds and half a gigabyte."""
  try:
    from audiolm_jax.tokens.batches import seqio_reader
  except ModuleNotFoundError as error:
    if error.name not in _SEQIO or not importlib.util.find_spec('grain'):
      raise
    # The batches are the same.
    from audiolm_jax.tokens.batches import grain_reader

    return grain_reader
  return seqio_reader
