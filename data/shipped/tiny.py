"""Builds a few minutes of speech and piano in seconds, for tests and demos.

Example:
  python -m data.shipped.tiny corpora/tiny

Two men read Asterisk prompts in Italian and Russian (CC-BY-3.0); piano is three
public-domain MIDI files on sampled keys (CC-BY-3.0). About 30 MB are fetched.
The result is OUT/manifest.jsonl, and one each in OUT/speech and OUT/piano.
"""

import pathlib
import sys

from absl import flags

from audiolm_jax.adapters.performance import Performance
from audiolm_jax.adapters.recording import finish, write_flac, write_labels
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from data.shipped import decoding, fetch, midi_pieces, real_speech, salamander

FLAGS = flags.FlagValues()

_LAYERS = (7, 13)  # Two loudnesses of the piano instead of five.
_CLIP_SECONDS = (2.0, 12.0)
_SPEECH_SECONDS = 100.0  # Of each speaker.
_PIECES = ('satie-gymnopedie-no1', 'the-entertainer', 'solace')
_PIECE_SECONDS = 60.0
_G722_BYTES = 8000  # A second.


def main(argv: list[str]) -> None:
  if len(argv) != 2:
    raise UserError(
        'Give the folder to build in: python -m data.shipped.tiny OUT'
    )
  out = pathlib.Path(argv[1])
  spoken = speech(out / 'speech')
  played = piano(out / 'piano')
  finish(out / 'speech/manifest.jsonl', spoken)
  finish(out / 'piano/manifest.jsonl', played)
  finish(out / 'manifest.jsonl', spoken + played)


def speech(out: pathlib.Path, cache: pathlib.Path = fetch.CACHE) -> list[Clip]:
  """Prompts of useful length, every tenth of them held out."""
  recordings = []
  for language in ('it', 'ru'):
    chosen = _first_seconds(real_speech.asterisk((language,), cache))
    for number, recording in enumerate(chosen):
      split = {0: 'test', 5: 'dev'}.get(number % 10, 'train')
      recordings.append(recording._replace(split=split))
  return decoding.convert(recordings, out, _CLIP_SECONDS[0])


def piano(out: pathlib.Path, cache: pathlib.Path = fetch.CACHE) -> list[Clip]:
  """The first minute of a piece for each split."""
  instrument = salamander.load(_LAYERS, cache)
  clips = []
  for piece in midi_pieces.pieces(cache):
    if piece.name in _PIECES:
      path = out / f'{piece.name}.flac'
      performance = _opening(midi_pieces.perform(piece))
      labels = path.with_suffix('.tsv')
      write_labels(labels, performance.labels())
      clips.append(
          Clip(
              path=str(path),
              seconds=write_flac(
                  path, salamander.play(instrument, performance)
              ),
              split=piece.split,
              source='midi',
              licence=piece.licence,
              piece=piece.name,
              labels=str(labels),
          )
      )
  return clips


def _first_seconds(recordings):
  total = 0.0
  for recording in recordings:
    seconds = recording.path.stat().st_size / _G722_BYTES
    if _CLIP_SECONDS[0] <= seconds <= _CLIP_SECONDS[1]:
      yield recording
      total += seconds
      if total >= _SPEECH_SECONDS:
        return


def _opening(performance: Performance) -> Performance:
  notes, pedal = performance
  return Performance(
      notes[notes[:, 1] < _PIECE_SECONDS], pedal[pedal[:, 1] < _PIECE_SECONDS]
  )


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
