"""SoundStorm's weights for another codec, whose codes have other names.

Codes of two codecs that stand in the same frames mean much the same, at least
at the first level. What the weights know of a code of the old codec is given to
each code of the new one in the measure in which they meet; the blocks, which
know sounds and no names, stay as they are. It is where learning begins, not
where it ends: of residual levels little carries over.
"""

import numpy as np
from jaxtyping import Float, Int, PyTree

# Meetings that every new code is given beforehand, in proportion to how often
# the old codes are: rare ones begin as the mean code.
_PRIOR = 2.0


def meetings(
    old: Int[np.ndarray, 'T Q'],
    new: Int[np.ndarray, 'T Q'],
    codebook_size: int,
) -> Float[np.ndarray, 'Q N K']:
  """Counts how often each new code N stands where each old code K does."""
  num_levels = old.shape[1]
  counts = np.zeros((num_levels, codebook_size, codebook_size))
  levels = np.broadcast_to(np.arange(num_levels), old.shape)
  np.add.at(counts, (levels, new, old), 1)
  return counts


def rename(params: PyTree, counts: Float[np.ndarray, 'Q N K']) -> PyTree:
  """Parameters of a SoundStorm for the codec with the new codes."""
  share = counts.sum(axis=1) + 1.0
  share /= share.sum(axis=-1, keepdims=True)
  meeting = counts + _PRIOR * share[:, None]
  meeting /= meeting.sum(axis=-1, keepdims=True)
  # A bias says how often a code is: that of a new one is its own.
  bias = np.asarray(params['head_bias'], float) - np.log(share)
  often = counts.sum(axis=2) + 1.0
  often /= often.sum(axis=-1, keepdims=True)
  changed = {
      'acoustic': meeting @ np.asarray(params['acoustic'], float),
      'head_kernel': np.asarray(params['head_kernel'], float)
      @ meeting.transpose(0, 2, 1),
      'head_bias': np.einsum('qnk,qk->qn', meeting, bias) + np.log(often),
  }
  return {
      **params,
      **{name: array.astype(np.float32) for name, array in changed.items()},
  }
