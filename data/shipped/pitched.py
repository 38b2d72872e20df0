"""Adds copies of a corpus in which every speaker is higher or lower.

Examples:
  python -m data.shipped.pitched corpora/speech/manifest.jsonl corpora/pitched
  python -m data.shipped.pitched corpora/speech/manifest.jsonl pitched \\
      --versions=4 --sources=kokoro

Models of speech learn who speaks from as many voices as they hear. A recording
played faster has a higher pitch and higher formants, as a smaller person would;
its speaker counts as somebody else. Only clips of the train split are copied.
The copies have a manifest of their own, OUT/manifest.jsonl; a glob such as
'corpora/*/manifest.jsonl' trains on both. An interrupted build goes on where it
stopped.
"""

import pathlib
import sys
import zlib
from collections.abc import Iterator

from absl import flags

from audiolm_jax import audio, changes
from audiolm_jax.adapters.recording import (
    SAMPLE_RATE,
    finish,
    worker_processes,
    write_flac,
)
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip, read_manifest
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()

flags.DEFINE_integer(
    'versions',
    3,
    'Number of copies of each clip, from lower to higher voices.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'sources',
    [],
    'Sources of the manifest to copy from; all of them if none is named.',
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'lowest',
    0.82,
    'Pitch of the lowest voice, as a multiple of the original.',
    lower_bound=0.5,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'highest',
    1.22,
    'Pitch of the highest voice, as a multiple of the original.',
    upper_bound=2.0,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'workers', 2, 'Number of processes.', lower_bound=1, flag_values=FLAGS
)


def main(argv: list[str]) -> None:
  if len(argv) != 3:
    raise UserError(
        'Give a manifest and a folder: python -m data.shipped.pitched MANIFEST'
        ' OUT'
    )
  out = pathlib.Path(argv[2])
  clips = [
      clip
      for clip in read_manifest(argv[1], 'train')
      if not FLAGS.sources or clip.source in FLAGS.sources
  ]
  if not clips:
    raise UserError(f'{argv[1]} has no train clip of {FLAGS.sources}.')
  pitches = list(_pitches(clips))
  with worker_processes(FLAGS.workers) as pool:
    copies = pool.map(
        pitched, clips * FLAGS.versions, pitches, [out] * len(pitches)
    )
    finish(out / 'manifest.jsonl', list(copies))


def _pitches(clips: list[Clip]) -> Iterator[float]:
  """The pitch of each clip's copy: all lowest copies first, and so on.

  The range is cut into as many equal parts as there are versions; the clip's
  name decides where in its part a copy lies.
  """
  for version in range(FLAGS.versions):
    for clip in clips:
      draw = zlib.crc32(f'{version} {_name(clip)}'.encode()) / 2**32
      place = (version + draw) / FLAGS.versions
      yield round(FLAGS.lowest * (FLAGS.highest / FLAGS.lowest) ** place, 3)


def _name(clip: Clip) -> str:
  return '/'.join(pathlib.Path(clip.path).parts[-3:])


def pitched(clip: Clip, pitch: float, out: pathlib.Path) -> Clip:
  """Writes one copy, unless it is there; its labels are left out."""
  path = out / f'{pathlib.Path(_name(clip)).with_suffix("")}@{pitch:.3f}.flac'
  if path.exists():
    seconds = audio.duration(path)
  else:
    samples = audio.read(clip.path, SAMPLE_RATE)
    seconds = write_flac(path, changes.faster(samples, pitch))
  speaker = clip.speaker and f'{clip.speaker}@{pitch:.3f}'
  return clip._replace(
      path=str(path), seconds=seconds, speaker=speaker, labels=None
  )


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
