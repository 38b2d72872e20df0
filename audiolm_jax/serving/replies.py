"""Replies of a tab's functions to the browser: mistakes in one line."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, no_type_check

import gradio as gr

from audiolm_jax.errors import UserError

Function = Callable[..., Iterator[Any]]
# A browser has one kind of numbers: 3.0 comes as 3.
Number = int | float


def mended(function: Function) -> Function:
  """Shows a UserError of a generator as a line in the page, no traceback."""

  # Gradio asks whether it is a generator function; what checks types in tests
  # would wrap it into one that is not.
  @no_type_check
  @functools.wraps(function)
  def guarded(*args: Any) -> Iterator[Any]:
    try:
      yield from function(*args)
    except UserError as error:
      raise gr.Error(str(error), print_exception=False) from error

  return guarded
