"""`audiolm generate` with noise in the place of the model's sounds.

What is made of a row follows from all rows of its batch, so that a batch of
another composition is noticed.
"""

import sys
import time
import zlib

import numpy as np

from audiolm_jax.cli import generate, samples


def make(asked, lm, batch):
  """Stands for samples.generate."""
  files = [row.job.file for row in batch]
  sounds = [zlib.crc32(row.waveform.tobytes()) for row in batch]
  seed = zlib.crc32(repr((asked, files, sounds)).encode())
  added = round(asked.seconds_added * lm.sample_rate)
  return [
      np.random.default_rng([seed, place])
      .uniform(-0.5, 0.5, len(row.waveform) + added)
      .astype(np.float32)
      for place, row in enumerate(batch)
  ]


def make_slowly(asked, lm, batch):
  """Leaves time to be killed in."""
  time.sleep(0.02)
  return make(asked, lm, batch)


if __name__ == '__main__':
  samples.generate = make_slowly
  sys.exit(generate.run())
