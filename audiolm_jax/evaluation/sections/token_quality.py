"""AudioLM's Table I: what tokens tell about phones, and how well they sound."""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from audiolm_jax import progress
from audiolm_jax.audio import Sound
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import intervals, tables
from audiolm_jax.evaluation.intervals import Figure
from audiolm_jax.evaluation.listeners import perceptual
from audiolm_jax.evaluation.tables import Cell, Missing, Table

# Tokens, bits a second, ABX within and across, ViSQOL; LibriSpeech dev-clean.
PUBLISHED = (
    ('w2v-BERT (AudioLM)', 250, 6.7, 7.6, 1.1),
    ('w2v-BERT (AudioLM)', 6000, 5.6, 6.2, 1.4),
    ('SoundStream (AudioLM)', 2000, 22.4, 28.7, 3.3),
    ('SoundStream (AudioLM)', 6000, 17.8, 26.6, 3.9),
)
_NOTE = (
    'ABX: how often a triphone lies nearer to one with another middle phone'
    ' than to its like, in per cent (fewer is better, 50 is chance), among'
    ' those of one speaker and across speakers, by the frames that tokens'
    " stand for (AudioLM s. III-B; Libri-Light's algorithm). ViSQOL: MOS of"
    ' what is decoded, 1 to 5. 95 % intervals are over speakers. {}'
)


class Tokens(NamedTuple):
  """A row of the table.

  Attributes:
    name: Name of the tokenizer.
    bitrate: Bits a second; None of what is not quantized.
    within: ABX error in per cent (abx.figures), or why there is none.
    across: ABX error across speakers.
    visqol: ViSQOL of what is decoded from the tokens; None if nothing decodes
      them.
  """

  name: str
  bitrate: float | None
  within: Cell
  across: Cell
  visqol: Cell = None


def table(rows: Sequence[Tokens], source: str) -> Table:
  """Ours above, the paper's below; `source` says what the clips are."""
  return Table(
      'tokens',
      'Tokens: phones and sound (Table I)',
      _NOTE.format(source),
      ('tokens', 'bit/s', 'ABX within', 'ABX across', 'ViSQOL'),
      [[row.name, row.bitrate and round(row.bitrate), *row[2:]] for row in rows]
      + [list(row) for row in PUBLISHED],
  )


def bitrate(
    frames_per_second: float, codebook_size: int, num_levels: int = 1
) -> float:
  """Bits a second of tokens that are all equally likely."""
  return frames_per_second * num_levels * math.log2(codebook_size)


def visqol(
    references: Sequence[Sound],
    estimates: Sequence[Sound],
    speakers: Sequence[Hashable],
    seed: int = 0,
) -> Figure | Missing:
  """The mean MOS of clips, by ViSQOL's model for speech."""
  try:
    metric = perceptual.visqol('speech')
  except UserError:
    return tables.missing('visqol-python[lattice]')
  pairs = list(zip(references, estimates, strict=True))
  found = [
      metric.measure(
          reference.samples,
          estimate.at(reference.sample_rate),
          reference.sample_rate,
      )
      for reference, estimate in progress.follow(pairs, 'ViSQOL')
  ]
  return intervals.mean(found, speakers, seed)
