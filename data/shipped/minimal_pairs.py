"""Builds minimal pairs, spoken by several voices, to probe what a model knows.

Examples:
  python -m data.shipped.minimal_pairs corpora/pairs
  python -m data.shipped.minimal_pairs corpora/pairs --lexical_pairs=1000

An offline substitute for sWUGGY and sBLIMP (AudioLM s. IV-E), in their layout,
that of ZeroSpeech 2021: OUT/lexical/dev with words beside non-words and
OUT/syntactic/dev with sentences beside ungrammatical ones, each WAVs and a
gold.csv. Kokoro speaks, so this is synthetic speech. The column `frequency`
counts in the Austen novels that data.shipped.speech trains on; a word that only
the held-out novels have is 'oov', though its plain stories say a dozen of them.
More pairs extend fewer, and an interrupted build goes on where it stopped.
"""

import csv
import functools
import hashlib
import io
import itertools
import pathlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import soxr
from absl import flags, logging

from audiolm_jax import audio, files
from audiolm_jax.adapters.recording import SAMPLE_RATE, worker_processes
from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError
from data.shipped import austen, grammar, kokoro, nonwords

FLAGS = flags.FlagValues()
flags.DEFINE_integer(
    'lexical_pairs',
    200,
    'Number of pairs of words.',
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'syntactic_pairs',
    100,
    'Number of pairs of sentences.',
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'voices',
    ['af_nova', 'af_sarah', 'am_michael', 'am_adam'],
    'Voices of Kokoro; all pronounce words as in the United States.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'seed', 0, 'Seed of the choice of pairs.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'workers', 2, 'Number of processes.', lower_bound=1, flag_values=FLAGS
)

_HELD_OUT = ('northangerabbey', 'persuasion')
_RMS = 0.08


class Row(NamedTuple):
  """A line of gold.csv, and what is said in its file."""

  columns: dict[str, Any]
  phonemes: str


class Utterance(NamedTuple):
  """A file to be spoken."""

  path: pathlib.Path
  phonemes: str
  voice: str


def main(argv: list[str]) -> None:
  if len(argv) != 2:
    raise UserError('Give a folder: python -m data.shipped.minimal_pairs OUT')
  unknown = set(FLAGS.voices) - set(kokoro.VOICES)
  if unknown:
    raise UserError(f'There is no voice {min(unknown)!r} of Kokoro.')
  kokoro.model()  # Once, before the workers read it.
  plans = {
      'lexical': lexical_rows(FLAGS.lexical_pairs, FLAGS.voices, FLAGS.seed),
      'syntactic': syntactic_rows(
          FLAGS.syntactic_pairs, FLAGS.voices, FLAGS.seed
      ),
  }
  for task, rows in plans.items():
    if rows:
      build(pathlib.Path(argv[1]) / task / 'dev', rows, FLAGS.workers)


def build(folder: pathlib.Path, rows: Sequence[Row], workers: int) -> None:
  """Speaks what is not there yet, and then writes gold.csv."""
  wanted = [
      Utterance(
          folder / f'{row.columns["filename"]}.wav',
          row.phonemes,
          row.columns['voice'],
      )
      for row in rows
  ]
  with worker_processes(workers) as pool:
    for done, path in enumerate(pool.map(speak, wanted, chunksize=4), 1):
      if done % 100 == 0:
        logging.info('%s: %d of %d', path.parent, done, len(wanted))
  text = io.StringIO()
  writer = csv.DictWriter(text, rows[0].columns, lineterminator='\n')
  writer.writeheader()
  writer.writerows(row.columns for row in rows)
  files.write(folder / 'gold.csv', text.getvalue().encode())
  logging.info('%s: %d files', folder / 'gold.csv', len(rows))


def speak(utterance: Utterance) -> pathlib.Path:
  """Writes one file, unless it is there."""
  path = utterance.path
  if not path.exists():
    spoken = _speaker().say_phonemes(utterance.phonemes, utterance.voice)
    waveform = soxr.resample(spoken.waveform, kokoro.SAMPLE_RATE, SAMPLE_RATE)
    rms = np.sqrt(np.mean(waveform**2))
    path.parent.mkdir(parents=True, exist_ok=True)
    audio.write(path, waveform * (_RMS / rms), SAMPLE_RATE)
  return path


def lexical_rows(count: int, voices: Sequence[str], seed: int) -> list[Row]:
  """Words of Austen beside non-words."""
  novels = {book: '\n'.join(lines) for book, lines in austen.novels().items()}
  frequencies = nonwords.vocabulary(
      '\n'.join(text for book, text in novels.items() if book not in _HELD_OUT),
      '\n'.join(novels[book] for book in _HELD_OUT),
  )
  said = {word: _speaker().phonemes(word) for word in frequencies}
  found = nonwords.pairs(frequencies, said, seed)
  pairs = _take(found, count, 'lexical')
  return [
      row
      for number, pair in enumerate(pairs)
      for voice in voices
      for row in _words(number, pair, voice)
  ]


def _words(number: int, pair: nonwords.WordPair, voice: str) -> Iterator[Row]:
  phonemes = (pair.nonword, pair.phonemes)
  for correct in (1, 0):
    said = phonemes[correct]
    columns = {
        'id': number,
        'filename': _name(number, said, voice),
        'voice': voice,
        'frequency': pair.frequency,
        'word': pair.word if correct else ''.join(nonwords.phones(said)),
        'phones': ' '.join(nonwords.phones(said)),
        'length': len(nonwords.phones(said)),
        'correct': correct,
    }
    yield Row(columns, said)


def syntactic_rows(count: int, voices: Sequence[str], seed: int) -> list[Row]:
  """Sentences beside ungrammatical ones."""
  pairs = _take(iter(grammar.pairs(seed)), count, 'syntactic')
  return [
      row
      for number, pair in enumerate(pairs)
      for voice in voices
      for row in _sentences(number, pair, voice)
  ]


def _sentences(
    number: int, pair: grammar.SentencePair, voice: str
) -> Iterator[Row]:
  for correct, sentence in ((1, pair.good), (0, pair.bad)):
    said = _speaker().phonemes(sentence)
    columns = {
        'id': number,
        'filename': _name(number, said, voice),
        'voice': voice,
        'type': pair.type,
        'subtype': pair.subtype,
        'transcription': sentence,
        'correct': correct,
    }
    yield Row(columns, said)


def _name(number: int, phonemes: str, voice: str) -> str:
  # Tells nothing, as in ZeroSpeech, and stays when there are more pairs.
  text = f'{number} {voice} {phonemes}'
  return hashlib.sha256(text.encode()).hexdigest()[:16]


def _take(found: Iterator[Any], count: int, task: str) -> list[Any]:
  pairs = list(itertools.islice(found, count))
  if len(pairs) < count:
    raise UserError(
        f'There are {len(pairs)} pairs only: --{task}_pairs={len(pairs)}.'
    )
  return pairs


@functools.cache
def _speaker() -> kokoro.Kokoro:
  """One for each process: loading takes seconds."""
  return kokoro.Kokoro()


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
