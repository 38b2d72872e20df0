"""One channel of many: their mean, unless they cancel each other in it."""

import numpy as np
from jaxtyping import Float

# Least share of the loudest channel's power: 10 dB may be lost. Equal channels
# keep all of it, one of two a quarter, six different ones a sixth; a voice in
# the centre of 5.1 a thirty-sixth, a pair of opposite phases nothing.
_LEAST_KEPT = 0.1
_AS_LOUD = 0.9  # Of channels about as loud as the loudest, the first is taken.


class Mixer:
  """Mixes block by block and hears what of the channels is kept."""

  def __init__(self, channel: int | None = None):
    """Args: with a channel, that one stands for all."""
    self._channel = channel
    self._powers: Float[np.ndarray, ' C'] | float = 0.0
    self._kept = 0.0

  def mono(self, block: Float[np.ndarray, 'N C']) -> Float[np.ndarray, ' N']:
    """Mixes a block."""
    if self._channel is not None:
      return np.ascontiguousarray(block[:, self._channel])
    mixed = block.mean(axis=1, dtype=np.float32)
    if block.shape[1] > 1:
      self._kept += float(np.sum(mixed**2, dtype=np.float64))
      self._powers = self._powers + np.sum(block**2, axis=0, dtype=np.float64)
    return mixed

  def loudest_if_lost(self) -> int | None:
    """Returns the first loudest channel if the mix keeps too little of it."""
    if self._channel is not None or np.ndim(self._powers) == 0:
      return None
    power = np.max(self._powers)
    if self._kept >= _LEAST_KEPT * power:
      return None
    return int(np.argmax(self._powers >= _AS_LOUD * power))


def mono(block: Float[np.ndarray, 'N C']) -> Float[np.ndarray, ' N']:
  """Mixes all there is."""
  mixer = Mixer()
  mixed = mixer.mono(block)
  loudest = mixer.loudest_if_lost()
  return mixed if loudest is None else Mixer(loudest).mono(block)
