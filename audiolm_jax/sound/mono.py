"""Runs of samples as one channel, in memory that the result alone needs."""

import os

from audiolm_jax.sound import checks, decoding, downmix, notices, resampling

# A waveform may fill half of the machine's memory; more kills processes.
_MOST_BYTES = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 2


def append(
    samples: bytearray,
    run: decoding.Run,
    path: str | os.PathLike,
    sample_rate: int,
    channel: int | None,
) -> int | None:
  """Appends a run as mono float32 at another sample rate.

  Args:
    samples: Grows by the run.
    run: Run of samples to decode and append.
    path: Path of the file, for messages.
    sample_rate: Hz.
    channel: Stands for all; None mixes all of them.

  Returns:
    The channel to take instead, where the mix loses what the channels hold.

  Raises:
    UserError: The file is damaged.
    MemoryError: The samples do not fit into half of the machine's memory.
  """
  mixer = downmix.Mixer(channel)
  blocks = checks.checked(run.blocks(), path)
  mixed = map(mixer.mono, blocks)
  for part in resampling.resampled(mixed, run.sample_rate, sample_rate):
    if len(samples) + part.nbytes > _MOST_BYTES:
      raise MemoryError
    samples += part.tobytes()
  loudest = mixer.loudest_if_lost()
  if loudest is not None:
    notices.say(
        path,
        f'channel {loudest + 1} of {run.channels} stands for all; mixed, too'
        ' little of it would be left.',
    )
  return loudest


def lengths(
    path: str | os.PathLike,
    start_seconds: float = 0.0,
    seconds: float | None = None,
) -> list[tuple[int, int]]:
  """Returns the samples and the rate of each run of a crop that has any."""
  lengths = []
  for run in decoding.runs(path, start_seconds, seconds):
    frames = sum(map(len, checks.checked(run.blocks(), path)))
    if frames:
      lengths.append((frames, run.sample_rate))
  return lengths
