"""Several processes that train together."""

import socket

import jax

from audiolm_jax.errors import UserError


def join(
    coordinator_address: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
    peer_timeout_seconds: int = 100,
) -> None:
  """Joins the other processes; call it before JAX computes anything.

  Cloud TPU, GKE and Slurm tell JAX all by themselves; elsewhere give the first
  three arguments.

  Args:
    coordinator_address: host:port of process 0.
    num_processes: Number of processes.
    process_id: Index of this process, from 0.
    peer_timeout_seconds: A process that is silent for so long is dead, and ends
      all the others.

  Raises:
    UserError: Some of the three are missing, or all and no cluster is known; or
      the coordinator's port is taken.
  """
  given = {
      '--coordinator_address': coordinator_address,
      '--num_processes': num_processes,
      '--process_id': process_id,
  }
  missing = [name for name, value in given.items() if value is None]
  if missing and len(missing) < len(given):
    raise UserError(
        f'{" and ".join(missing)} is missing: give all of {", ".join(given)},'
        ' or none where JAX knows the cluster.'
    )
  if process_id == 0:
    _check_free(coordinator_address)
  try:
    jax.distributed.initialize(
        *given.values(), heartbeat_timeout_seconds=peer_timeout_seconds
    )
  except ValueError as error:
    raise UserError(
        'JAX knows no cluster here (Cloud TPU, GKE, Slurm:'
        f' {str(error).splitlines()[0]}); give {", ".join(given)}.'
    ) from error


def _check_free(address: str) -> None:
  """Another program behind the port would answer, and JAX wait for minutes."""
  port = address.rpartition(':')[2]
  with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
      listener.bind(('', int(port)))
    except (OSError, OverflowError, ValueError) as error:
      raise UserError(
          f'--coordinator_address={address}: its port cannot be had here'
          f' ({error}); give another one to all processes.'
      ) from error
