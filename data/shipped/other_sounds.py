r"""Makes what a detector of speech cannot judge: music and noises of games.

Example:
  python -m data.shipped.other_sounds detector/other \
      --piano=corpora/piano/manifest.jsonl

Up to --most_excerpts of each piece or noise are kept, as FLACs; `origin` of
all is 'other' in OUT/manifest.jsonl. A Debian package is in one split only, so
that tests hear other composers and other instruments than training. To these
come chords and melodies of plain tones (data.shipped.tones), which no
instrument plays. --piano adds excerpts of a manifest's pieces, in their splits.
"""

import pathlib
import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from absl import flags, logging

from audiolm_jax import audio, corpus
from audiolm_jax.adapters.recording import SAMPLE_RATE, finish, write_flac
from audiolm_jax.classifier.labels import OTHER
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from data.shipped import decoding, fetch, tones

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'piano', None, 'Manifest of pieces to take excerpts of.', flag_values=FLAGS
)
flags.DEFINE_float(
    'seconds', 10.0, 'Length of an excerpt.', lower_bound=1, flag_values=FLAGS
)
flags.DEFINE_integer(
    'most_excerpts',
    4,
    'Most excerpts of one piece.',
    lower_bound=1,
    flag_values=FLAGS,
)

_SUFFIXES = ('.flac', '.g722', '.ogg', '.wav')
_SILENCE = 1e-2  # Peak below which an excerpt holds next to nothing.
_MOST_PIECES = 80  # Of the piano, so that the rest is heard as well.
_TONES = {'train': 160, 'dev': 20, 'test': 20}  # Pieces of plain tones.


class Package(NamedTuple):
  """A Debian package with sounds.

  Attributes:
    name: Name of the package, for apt-get.
    split: 'train', 'dev' or 'test'.
    licence: Terms of its sounds.
    left_out: Folders of it that hold speech.
  """

  name: str
  split: str
  licence: str
  left_out: tuple[str, ...] = ()


PACKAGES = (
    Package('supertux-data', 'train', 'CC-BY-SA-3.0 and GPL-2+', ('speech',)),
    Package('hedgewars-data', 'train', 'GFDL-1.3', ('voices', 'Voices')),
    Package('singularity-music', 'train', 'CC-BY-SA-3.0'),
    Package('asterisk-moh-opsound-g722', 'train', 'CC-BY-SA-3.0'),
    Package('frozen-bubble-data', 'dev', 'GPL-2'),
    Package('drascula-music', 'test', 'Drascula-License'),
)


def main(argv: list[str]) -> None:
  if len(argv) != 2:
    raise UserError(
        'Give the folder to build in: python -m data.shipped.other_sounds OUT'
    )
  out = pathlib.Path(argv[1])
  clips = [clip for each in PACKAGES for clip in _of_package(each, out)]
  clips += _of_tones(out)
  if FLAGS.piano:
    clips += _of_piano(corpus.read_manifest(FLAGS.piano), out)
  finish(out / 'manifest.jsonl', clips)


def _of_package(
    package: Package, out: pathlib.Path, cache: pathlib.Path = fetch.CACHE
) -> Iterator[Clip]:
  folder = fetch.debian(package.name, cache)
  for path in sorted(folder.rglob('*')):
    if path.suffix in _SUFFIXES and not set(path.parts) & set(package.left_out):
      piece = '-'.join(path.relative_to(folder).with_suffix('').parts[-2:])
      whole = Clip(
          path=str(path),
          seconds=0.0,
          split=package.split,
          source=package.name,
          licence=package.licence,
          piece=piece,
          origin=OTHER,
      )
      yield from _excerpts(whole, out)


def _of_tones(out: pathlib.Path) -> Iterator[Clip]:
  splits = (split for split, count in _TONES.items() for _ in range(count))
  for seed, split in enumerate(splits):
    path = out / 'tones' / f'{seed}.flac'
    waveform = tones.piece(seed, FLAGS.seconds, SAMPLE_RATE)
    yield Clip(
        path=str(path),
        seconds=write_flac(path, waveform),
        split=split,
        source='tones',
        licence='CC0-1.0',
        piece=f'tones-{seed}',
        origin=OTHER,
    )


def _of_piano(pieces: list[Clip], out: pathlib.Path) -> Iterator[Clip]:
  every = -(-len(pieces) // _MOST_PIECES)
  for clip in sorted(pieces, key=lambda clip: clip.path)[::every]:
    whole = clip._replace(source='piano', labels=None, origin=OTHER)
    yield from _excerpts(whole, out)


def _excerpts(whole: Clip, out: pathlib.Path) -> Iterator[Clip]:
  """Parts of a recording, apart from one another and with sound in them."""
  try:
    waveform = decoding.decode(pathlib.Path(whole.path))
  except UserError as error:
    logging.warning('Left out: %s', error)
    return
  length = round(FLAGS.seconds * SAMPLE_RATE)
  number = min(max(len(waveform) // length, 1), FLAGS.most_excerpts)
  for index, part in enumerate(np.array_split(waveform, number)):
    excerpt = part[:length]
    if len(excerpt) < SAMPLE_RATE or np.abs(excerpt).max() < _SILENCE:
      continue
    path = out / whole.source / f'{whole.piece}-{index}.flac'.replace('/', '-')
    seconds = (
        audio.duration(path) if path.exists() else write_flac(path, excerpt)
    )
    yield whole._replace(path=str(path), seconds=seconds)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
