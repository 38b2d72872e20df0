"""Builds a piano corpus: scores played by rule on recordings of a Yamaha C5.

Example:
  python -m data.shipped.piano corpora/piano --hours=10

The clips are whole pieces; beside each lie its notes as a table of start, end
(seconds) and MIDI pitch. Pieces that begin with the same melody, such as two
settings of one chorale, belong to the same split. An interrupted build goes on
where it stopped, and more hours extend fewer.
"""

import itertools
import pathlib
import sys
from collections.abc import Iterator

import numpy as np
from absl import flags, logging

from audiolm_jax import audio
from audiolm_jax.adapters.performance import Performance
from audiolm_jax.adapters.recording import (
    SPLITS,
    finish,
    split_of,
    worker_processes,
    write_flac,
    write_labels,
)
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from data.shipped import midi_pieces, pianist, salamander, scores

FLAGS = flags.FlagValues()

flags.DEFINE_float(
    'hours',
    10.0,
    'Hours to make; all there is makes about 25.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'workers', 2, 'Number of processes.', lower_bound=1, flag_values=FLAGS
)
flags.DEFINE_integer('seed', 0, 'Seed of the playing.', flag_values=FLAGS)

_OPENING = 6  # Melodic steps by which a tune is known.
_HOLD_OUT_EVERY = 20  # Tunes.

Piece = midi_pieces.MidiPiece | scores.ScoreFile


def main(argv: list[str]) -> None:
  if len(argv) != 2:
    raise UserError(
        'Give the folder to build in: python -m data.shipped.piano OUT'
    )
  salamander.load()  # Once, before the workers map it.
  out = pathlib.Path(argv[1])
  clips, seconds = [], 0.0
  for clip in _clips(out, FLAGS.seed, FLAGS.workers):
    clips.append(clip)
    seconds += clip.seconds
    if len(clips) % 50 == 0:
      logging.info('%d pieces, %.2f h', len(clips), seconds / 3600)
    if seconds >= FLAGS.hours * 3600:
      break
  finish(out / 'manifest.jsonl', clips)


def _clips(out: pathlib.Path, seed: int, workers: int) -> Iterator[Clip]:
  """In a fixed order, so that a stop after any number of hours is exact."""
  pieces = iter([*midi_pieces.pieces(), *scores.files()])
  with worker_processes(workers) as pool:
    queue = [
        pool.submit(build, piece, out, seed)
        for piece in itertools.islice(pieces, 4 * workers)
    ]
    while queue:
      clip = queue.pop(0).result()
      queue += [
          pool.submit(build, piece, out, seed)
          for piece in itertools.islice(pieces, 1)
      ]
      if clip is not None:
        yield clip


def build(piece: Piece, out: pathlib.Path, seed: int) -> Clip | None:
  """Renders a piece unless it is there; None where the score is unreadable."""
  for split in SPLITS:
    path = out / split / f'{piece.name}.flac'
    if path.exists():
      return _clip(piece, path, audio.duration(path))
  try:
    performance, split = _perform(piece, seed)
  except UserError as error:
    logging.warning('Left out: %s', error)
    return None
  path = out / split / f'{piece.name}.flac'
  write_labels(path.with_suffix('.tsv'), performance.labels())
  waveform = salamander.play(salamander.load(), performance)
  return _clip(piece, path, write_flac(path, waveform))


def _perform(piece: Piece, seed: int) -> tuple[Performance, str]:
  if isinstance(piece, midi_pieces.MidiPiece):
    return midi_pieces.perform(piece), piece.split
  score = scores.read(piece.path)
  performance = pianist.perform(score, piece.composer, seed, piece.name)
  return performance, split_of(tune_of(score), _HOLD_OUT_EVERY)


def tune_of(score: scores.Score) -> str:
  """Intervals that open the melody, in any key; equal ones share a split."""
  onset, _, pitch, _ = score.notes.T
  highest_first = np.lexsort((-pitch, onset))
  _, chords = np.unique(onset[highest_first], return_index=True)
  melody = pitch[highest_first][chords]
  steps = np.diff(melody)
  tune = steps[steps != 0][:_OPENING].astype(int)
  return ','.join(map(str, tune))


def _clip(piece: Piece, path: pathlib.Path, seconds: float) -> Clip:
  known = isinstance(piece, midi_pieces.MidiPiece)
  licence = f'{scores.LICENCE}; {salamander.LICENCE}'
  return Clip(
      path=str(path),
      seconds=seconds,
      split=path.parent.name,
      source='midi' if known else f'music21-{piece.composer}',
      licence=piece.licence if known else licence,
      piece=piece.name,
      labels=str(path.with_suffix('.tsv')),
  )


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
