"""Linguistic probes: does the semantic stage prefer what the language allows?

sWUGGY (words beside non-words) and sBLIMP (sentences beside ungrammatical
ones) in the layout of ZeroSpeech 2021, as AudioLM measures them (s. IV-E).
"""

import collections
import csv
import math
import pathlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from audiolm_jax import audio, progress
from audiolm_jax.bundle.predictors import LanguageModel
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import intervals
from audiolm_jax.evaluation.intervals import Figure
from audiolm_jax.evaluation.subjects import likelihoods
from audiolm_jax.evaluation.subjects.likelihoods import Likelihood
from audiolm_jax.tokens.fields import SEMANTIC
from audiolm_jax.tokens.tokenizers.contract import SemanticTokenizer

LEXICAL, SYNTACTIC = 'lexical', 'syntactic'
_KEYS = {LEXICAL: ('id',), SYNTACTIC: ('type', 'subtype', 'id')}
_BATCH_SIZE = 16


class Pair(NamedTuple):
  """Two recordings of one voice.

  Attributes:
    key: Key of the pair, the same for all voices.
    voice: Name of the voice.
    good: Path of the word or the sentence.
    bad: Path of what is none.
    frequency: Frequency of the word in LibriSpeech; None for sentences.
  """

  key: Hashable
  voice: str
  good: Hashable
  bad: Hashable
  frequency: float | None = None


def per_token(score: Likelihood) -> float:
  """log p / length, AudioLM's score; what is empty is as bad as can be."""
  return score.nats / score.length if score.length else -math.inf


def whole(score: Likelihood) -> float:
  """log p; prefers what is short (footnote 3 of AudioLM)."""
  return score.nats


def read(
    folder: pathlib.Path | str, split: str = 'dev', max_pairs: int | None = None
) -> dict[str, list[Pair]]:
  """Pairs by task, those there are of 'lexical' and 'syntactic'.

  Args:
    folder: Has `lexical/SPLIT/gold.csv` with WAVs beside it, or `syntactic`.
    split: 'dev' (or 'test', whose gold.csv is not public).
    max_pairs: Takes the first so many of each task, in all their voices.

  Raises:
    UserError: There is no task, or a file is missing or not as it should be.
  """
  paths = {
      task: pathlib.Path(folder, task, split, 'gold.csv') for task in _KEYS
  }
  found = {task: path for task, path in paths.items() if path.exists()}
  if not found:
    raise UserError(
        f'{folder} has neither {LEXICAL}/{split}/gold.csv nor'
        f' {SYNTACTIC}/{split}/gold.csv; it must have the layout of'
        ' ZeroSpeech 2021 (python -m data.shipped.minimal_pairs makes such a'
        ' folder).'
    )
  return {
      task: _first(_read(path, task), max_pairs) for task, path in found.items()
  }


def _first(pairs: list[Pair], count: int | None) -> list[Pair]:
  kept = list(dict.fromkeys(pair.key for pair in pairs))[:count]
  return [pair for pair in pairs if pair.key in set(kept)]


def _read(path: pathlib.Path, task: str) -> list[Pair]:
  sides = collections.defaultdict(lambda: ([], []))
  with open(path, newline='', encoding='utf-8') as file:
    for row in csv.DictReader(file):
      try:
        key = tuple(row[name] for name in _KEYS[task]), row['voice']
        sides[key][row['correct'] == '1'].append(row)
        wav = path.parent / f'{row["filename"].removesuffix(".wav")}.wav'
      except KeyError as e:
        raise UserError(f'{path}: there is no column {e}.') from e
      if not wav.exists():
        raise UserError(f'{wav} is missing, and {path} names it.')
      row['path'] = wav
  return [_pair(path, *key, *both) for key, both in sides.items()]


def _pair(
    path: pathlib.Path, key: Hashable, voice: str, bad: list, good: list
) -> Pair:
  if len(good) != 1 or len(bad) != 1:
    raise UserError(
        f'{path}: pair {key} of {voice} has {len(good)} correct and {len(bad)}'
        ' other recordings; one each is needed.'
    )
  count = good[0].get('frequency') or 'nan'
  frequency = float(count) if 'frequency' in good[0] else None
  return Pair(key, voice, good[0]['path'], bad[0]['path'], frequency)


def score(
    semantic: SemanticTokenizer,
    found: LanguageModel,
    paths: Sequence[pathlib.Path],
) -> dict[pathlib.Path, Likelihood]:
  """Log-likelihoods of each recording's tokens under the semantic stage."""
  paths = sorted(set(paths), key=lambda path: (audio.duration(path), path))
  starts = range(0, len(paths), _BATCH_SIZE)
  clips = []
  for start in progress.follow(list(starts), 'Tokens of pairs'):
    waveforms = [
        audio.read(path, semantic.sample_rate)
        for path in paths[start : start + _BATCH_SIZE]
    ]
    lengths = np.array([len(waveform) for waveform in waveforms], np.int32)
    hop = semantic.hop_length
    longest = -(-int(lengths.max()) // hop) * hop
    padded = np.stack([np.pad(x, (0, longest - len(x))) for x in waveforms])
    ids = semantic.encode(padded, lengths)
    clips += [
        row[: n // hop, None] for row, n in zip(ids, lengths, strict=True)
    ]
  scores = likelihoods.of_clips(found, [{SEMANTIC: ids} for ids in clips])
  return dict(zip(paths, scores, strict=True))


def success(
    pairs: Sequence[Pair],
    scores: Mapping[Hashable, Likelihood],
    value: Callable[[Likelihood], float] = per_token,
    seed: int = 0,
) -> Figure:
  """Percent of pairs whose good side scores higher; a tie is half a success.

  The mean over voices, then over pairs; the bootstrap draws pairs, which are
  also what num_clips counts.
  """
  wins = collections.defaultdict(list)
  for pair in pairs:
    good, bad = (value(scores[path]) for path in (pair.good, pair.bad))
    wins[pair.key].append(100.0 * (good > bad) + 50.0 * (good == bad))
  means = [float(np.mean(voices)) for voices in wins.values()]
  return intervals.mean(means, list(wins), seed)


def in_vocabulary(pairs: Sequence[Pair]) -> list[Pair]:
  """Pairs whose word occurs in the text that frequencies are counted on."""
  return [pair for pair in pairs if pair.frequency and pair.frequency >= 1]
