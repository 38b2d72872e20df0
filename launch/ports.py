"""Ports where the processes of one machine meet."""

import socket

from audiolm_jax.errors import UserError


def free() -> int:
  """A port of this machine that nobody listens on now."""
  with socket.socket() as listener:
    listener.bind(('127.0.0.1', 0))
    return listener.getsockname()[1]


def check(port: int) -> int:
  """Returns the port.

  Raises:
    UserError: Somebody listens there already, as another launch does.
  """
  with socket.socket() as listener:
    # As the coordinator does: connections that ended a minute ago are no bar.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
      listener.bind(('127.0.0.1', port))
    except OSError as error:
      raise UserError(
          f'Port {port} of this machine cannot be had ({error.strerror}); give'
          ' another --port, or none: a free one is found.'
      ) from error
  return port
