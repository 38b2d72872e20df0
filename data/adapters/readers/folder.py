"""Lists audio files, as the flags of `audiolm corpus folder` say."""

import os
import pathlib
import re
from collections.abc import Iterable, Iterator
from concurrent import futures

import soundfile
from absl import flags, logging

from audiolm_jax import audio
from audiolm_jax.adapters.recording import finish
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.sound import finding
from audiolm_jax.splits import by_speaker

# libsndfile's names of formats, what people use instead, and what FFmpeg knows.
_SUFFIXES = {f'.{name.lower()}' for name in soundfile.available_formats()}
_SUFFIXES |= set(
    '.3gp .8svx .aac .ac3 .aif .aifc .aiffc .amr .ape .bwf .dsf .dts .eac3 .flc'
    ' .gsm .iff .m4a .m4b .m4p .m4r .mka .mogg .mp1 .mp2 .mp4 .mpa .mpc .mpga'
    ' .oga .opus .ra .shn .snd .sph .spx .tak .tta .vox .wave .weba .webm .wma'
    ' .wv'.split()
)
_THREADS = 8


def main(argv: list[str], values: flags.FlagValues) -> int:
  folder, paths = find(argv[1])
  out = pathlib.Path(argv[2])
  clips = _clips(values, folder, measure(paths))
  if not clips:
    raise UserError(f'None of the {len(paths)} files of {argv[1]} is readable.')
  finish(out, clips)
  left_out = len(paths) - len(clips)
  if left_out:
    logging.error('%d of %d files are left out.', left_out, len(paths))
  return 1 if left_out else 0


def find(pattern: str) -> tuple[str, list[pathlib.Path]]:
  """Files of a glob, or the audio files anywhere below a folder.

  Returns:
    The folder that names are told from, and the paths.

  Raises:
    UserError: There are none.
  """
  if os.path.isdir(pattern):
    folder = pattern
    found = [path for path in finding.below(pattern) if _is_audio(path)]
  else:
    folder, _ = finding.split(pattern)
    matches = finding.matching(pattern)
    found = [path for path in matches if not os.path.isdir(path)]
  if not found:
    raise UserError(f'{pattern}: no audio files there.')
  return folder, sorted(map(pathlib.Path, found))


def _is_audio(path: str) -> bool:
  return os.path.splitext(path)[1].lower() in _SUFFIXES


def measure(
    paths: list[pathlib.Path],
) -> Iterator[tuple[pathlib.Path, float]]:
  """Readable files with their seconds; the others are reported."""
  with futures.ThreadPoolExecutor(_THREADS) as pool:
    for path, seconds in zip(paths, pool.map(_seconds, paths), strict=True):
      if seconds is not None:
        yield path, seconds


def _seconds(path: pathlib.Path) -> float | None:
  try:
    # Decodes all of it: a broken copy still has the header of a whole one.
    return audio.duration(path)
  except UserError as error:
    logging.error('Left out: %s', error)
    return None


def _clips(
    values: flags.FlagValues,
    folder: str,
    measured: Iterable[tuple[pathlib.Path, float]],
) -> list[Clip]:
  seconds = dict(measured)
  names = {path: os.path.relpath(path, folder or '.') for path in seconds}
  speakers = {
      name: _speaker(values.speaker, path) for path, name in names.items()
  }
  splits = by_speaker(speakers, values.hold_out_every)
  return [
      Clip(
          path=str(path.absolute()),
          seconds=seconds[path],
          split=splits[name],
          source=values.source,
          licence=values.licence,
          speaker=speakers[name],
      )
      for path, name in names.items()
  ]


def _speaker(pattern: str | None, path: pathlib.Path) -> str | None:
  found = pattern and re.search(pattern, str(path))
  return found[1] if found else None
