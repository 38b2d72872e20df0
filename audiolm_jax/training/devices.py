"""Memory and speed of accelerators, for plans made without them."""

from typing import NamedTuple

from audiolm_jax.errors import UserError


class Device(NamedTuple):
  """A device, by JAX's names.

  Attributes:
    name: Name of the device, as in `--device`.
    memory_gib: High-bandwidth memory, in GiB.
    teraflops: Peak of bfloat16 matrix products, dense, in 10^12 a second.
    kinds: Names that JAX has for such a device.
  """

  name: str
  memory_gib: float
  teraflops: float
  kinds: tuple[str, ...]

  @property
  def memory(self) -> float:
    """In bytes."""
    return self.memory_gib * 2**30


# TPUs: the system architecture pages, cloud.google.com/tpu/docs/v3 to /v6e. A
# device of v3 is a core, half a chip; of all others it is a chip, although v4
# and v5p slices are named after their cores: v4-128 is 64 devices.
# GPUs: NVIDIA's datasheets of A100, H100 and H200, SXM, without sparsity. The
# H200's 141 GB are decimal.
DEVICES = (
    Device('tpu-v3', 16.0, 61.5, ('TPU v3',)),
    Device('tpu-v4', 32.0, 275.0, ('TPU v4',)),
    Device('tpu-v5e', 16.0, 197.0, ('TPU v5 lite', 'TPU v5e')),
    Device('tpu-v5p', 95.0, 459.0, ('TPU v5', 'TPU v5p')),
    Device('tpu-v6e', 32.0, 918.0, ('TPU v6 lite', 'TPU v6e')),
    Device('a100-40', 40.0, 312.0, ('NVIDIA A100-SXM4-40GB',)),
    Device('a100-80', 80.0, 312.0, ('NVIDIA A100-SXM4-80GB',)),
    Device('h100', 80.0, 989.0, ('NVIDIA H100 80GB HBM3',)),
    Device('h200', 131.0, 989.0, ('NVIDIA H200',)),
)


def peak_flops(kind: str) -> float | None:
  """Operations a second of what JAX calls `kind`; None if it is not known."""
  return next((1e12 * d.teraflops for d in DEVICES if kind in d.kinds), None)


def find(name: str, memory_gib: float | None = None) -> Device:
  """A device by name, with another memory if one is given.

  Raises:
    UserError: There is none of that name, or no memory.
  """
  known = {device.name: device for device in DEVICES}
  if name not in known:
    raise UserError(
        f'There is no device {name!r}; known are {", ".join(known)}. The'
        ' nearest one with --device_memory_gib stands for another.'
    )
  if memory_gib is None:
    return known[name]
  if memory_gib <= 0:
    raise UserError(f'A device of {memory_gib:g} GiB holds nothing.')
  return known[name]._replace(memory_gib=memory_gib)
