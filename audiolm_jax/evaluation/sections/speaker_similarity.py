"""AudioLM's Table III, its second witness: does the voice stay?

The paper asks a classifier that knows the speakers; an encoder that knows none
of them is asked here, as SoundStorm does (its Table 1).
"""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from audiolm_jax import progress
from audiolm_jax.audio import Sound
from audiolm_jax.evaluation import intervals
from audiolm_jax.evaluation.listeners.speaker_encoder import Encoder
from audiolm_jax.evaluation.tables import Cell, Missing, Table

TRUE = 'true continuation'
CODEC = 'codec reconstruction of it'
CONTINUATION = 'continuation'
GENERATION = 'acoustic generation'
OTHER = 'another speaker'
# SoundStorm's Table 1, clips of 4 to 10 s; another encoder, so not ours' scale.
PUBLISHED = {CODEC: 0.63, CONTINUATION: 0.46}
_NOTE = (
    'Cosine of the voices of a prompt and of what follows it, by a pretrained'
    ' speaker encoder that knows none of the speakers (nearer to the true'
    " continuation is better). The floor is a true continuation of another's"
    ' prompt. The published column is of AudioLM and SoundStream by another'
    ' encoder, whose scale is another. 95 % intervals are over speakers. {}'
)

Sounds = Sequence[Sound]


def table(
    encode: Encoder | Missing,
    prompts: Sounds,
    speakers: Sequence[Hashable],
    sounds: Mapping[str, Sounds],
    source: str,
    seed: int = 0,
) -> Table:
  """A row for each kind of sound; the last is the floor.

  Args:
    encode: A voice as a vector, or why there is none.
    prompts: Prompts, one for each of `speakers`.
    speakers: Speakers of the prompts.
    sounds: Sounds that follow each prompt, without it, by TRUE, CODEC,
      CONTINUATION, GENERATION, or any other name. With k samples of each, all
      first ones come before all second ones. TRUE makes the floor.
    source: A sentence for the note on what the clips are.
    seed: Seed of the bootstrap and of who is compared with whom.
  """
  rows: list[list[Cell]] = []
  floor = TRUE in sounds and len(set(speakers)) > 1
  if isinstance(encode, Missing):
    rows = [[name, encode, None] for name in (*sounds, *([OTHER] * floor))]
  else:
    known = _embed(encode, prompts, 'prompts')
    heard = {name: _embed(encode, some, name) for name, some in sounds.items()}
    for name, some in heard.items():
      rows.append(_row(name, known, some, speakers, seed))
    if floor:
      others = heard[TRUE][strangers(speakers, seed)]
      rows.append(_row(OTHER, known, others, speakers, seed))
  return Table(
      'speaker_similarity',
      'The voice of a prompt in what follows (Table III)',
      _NOTE.format(source),
      ('sound', 'cosine', 'clips', 'published'),
      [[*row, PUBLISHED.get(row[0])] for row in rows],
  )


def cosines(
    first: Float[np.ndarray, 'B D'], second: Float[np.ndarray, 'B D']
) -> Float[np.ndarray, ' B']:
  """Cosines of pairs of vectors of any length; NaN where one is NaN."""
  norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
  return (first * second).sum(axis=1) / norms


def strangers(speakers: Sequence[Hashable], seed: int) -> list[int]:
  """Index of a clip of another speaker for each clip, drawn by chance."""
  random = np.random.default_rng(seed)
  return [
      int(random.choice([i for i, s in enumerate(speakers) if s != speaker]))
      for speaker in speakers
  ]


def _embed(
    encode: Encoder, sounds: Sounds, what: str
) -> Float[np.ndarray, 'B D']:
  followed = progress.follow(sounds, f'Voices: {what}')
  return np.stack([encode(sound) for sound in followed])


def _row(
    name: str,
    known: Float[np.ndarray, 'B D'],
    heard: Float[np.ndarray, 'S D'],
    speakers: Sequence[Hashable],
    seed: int,
) -> list[Cell]:
  samples = len(heard) // len(known)
  found = cosines(np.tile(known, (samples, 1)), heard)
  figure = intervals.mean(found, list(speakers) * samples, seed)
  return [name, figure, figure.num_clips]
