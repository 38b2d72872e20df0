"""Output of every builder: FLACs, label files, and the manifest over them."""

import collections
import io
import multiprocessing
import pathlib
from collections.abc import Iterable, Sequence
from concurrent import futures

import numpy as np
import soundfile
from absl import logging
from jaxtyping import Float

from audiolm_jax import files
from audiolm_jax.corpus import Clip, write_manifest
from audiolm_jax.errors import UserError

# Names and rule of the splits, for builders.
from audiolm_jax.splits import SPLITS as SPLITS
from audiolm_jax.splits import split_of as split_of

SAMPLE_RATE = 16000

Label = tuple[float, float, str | int]


def write_flac(path: pathlib.Path, waveform: Float[np.ndarray, ' N']) -> float:
  """Writes 16-bit FLAC at 16 kHz, whole or not at all; returns its seconds."""
  peak = np.abs(waveform).max(initial=0.0)
  samples = waveform * min(1.0, 0.99 / max(peak, 1e-9))
  content = io.BytesIO()
  soundfile.write(
      content, samples, SAMPLE_RATE, format='FLAC', subtype='PCM_16'
  )
  path.parent.mkdir(parents=True, exist_ok=True)
  files.write(path, content.getvalue())
  return len(samples) / SAMPLE_RATE


def write_labels(path: pathlib.Path, labels: Iterable[Label]) -> None:
  """Writes `start_seconds end_seconds label` lines, separated by tabs."""
  lines = [f'{start:.4f}\t{end:.4f}\t{label}\n' for start, end, label in labels]
  path.parent.mkdir(parents=True, exist_ok=True)
  files.write(path, ''.join(lines).encode())


def worker_processes(number: int) -> futures.Executor:
  """Fresh processes: a fork would copy locks that libraries hold."""
  context = multiprocessing.get_context('spawn')
  return futures.ProcessPoolExecutor(number, mp_context=context)


def finish(manifest: pathlib.Path, clips: Sequence[Clip]) -> None:
  """Writes the manifest and says what is in it."""
  if manifest.is_dir():
    raise UserError(f'{manifest} is a folder; name a file in it, *.jsonl.')
  if not clips:
    raise UserError(f'{manifest} is not written: there are no clips.')
  manifest.parent.mkdir(parents=True, exist_ok=True)
  write_manifest(manifest, clips)
  seconds = collections.Counter()
  for clip in clips:
    seconds[clip.split, clip.source] += clip.seconds
  for split, source in sorted(seconds):
    hours = seconds[split, source] / 3600
    logging.info('%-6s %-20s %7.3f h', split, source, hours)
  logging.info(
      '%s: %d clips, %.2f h',
      manifest,
      len(clips),
      sum(seconds.values()) / 3600,
  )
