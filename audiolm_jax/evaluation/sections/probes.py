"""AudioLM's Table IV: sWUGGY and sBLIMP, beside those of other models."""

from collections.abc import Hashable, Mapping, Sequence

from audiolm_jax.evaluation.subjects import minimal_pairs
from audiolm_jax.evaluation.subjects.likelihoods import Likelihood
from audiolm_jax.evaluation.subjects.minimal_pairs import (
    LEXICAL,
    SYNTACTIC,
    Pair,
)
from audiolm_jax.evaluation.tables import Cell, Table

# Model, sWUGGY all, in-vocabulary, sBLIMP; per cent, on the development sets.
PUBLISHED = (
    ('AudioLM (stage 1)', 71.5, 83.7, 64.7),
    ('GSLM', None, 68.7, 57.1),
    ('van Niekerk et al. (LSTM on CPC)', 64.3, 72.3, 54.0),
    ('HuBERT, not causal', 70.9, 79.8, 59.5),
    ('CPC-BERT, not causal', None, 80.0, 59.9),
    ('BERT on CPC, not causal', 67.7, 75.6, 56.1),
    ('Harwath et al., not causal', 67.6, 75.4, 56.7),
    ('phone topline (text), not causal', 97.9, None, 66.8),
    ('forced-alignment topline (text), not causal', 92.2, None, 63.7),
    ('AudioLM, log p not divided by length', None, None, 67.5),
)
_NOTE = (
    'How often the good side of a minimal pair is likelier, in per cent (more'
    ' is better, 50 is chance): log p(z) / |z| by the semantic stage, pairs'
    ' within a voice, the mean over voices and then over pairs (AudioLM'
    ' s. IV-E). 95 % intervals are over pairs. {}'
)


def table(
    pairs: Mapping[str, Sequence[Pair]],
    scores: Mapping[Hashable, Likelihood],
    source: str,
    seed: int = 0,
) -> Table:
  """Ours above, the published below.

  Args:
    pairs: Pairs by task (minimal_pairs.read).
    scores: Scores of every recording (minimal_pairs.score).
    source: A sentence for the note on what the pairs are; the published rows
      are of ZeroSpeech's own.
    seed: Seed of the bootstrap.
  """
  ways = {
      'ours': minimal_pairs.per_token,
      'ours, log p not divided by length': minimal_pairs.whole,
  }
  lexical = list(pairs.get(LEXICAL, ()))
  columns = (
      lexical,
      minimal_pairs.in_vocabulary(lexical),
      list(pairs.get(SYNTACTIC, ())),
  )
  rows: list[list[Cell]] = []
  for name, value in ways.items():
    found = [
        minimal_pairs.success(some, scores, value, seed) if some else None
        for some in columns
    ]
    counted = [len({pair.key for pair in some}) for some in columns]
    rows.append([name, *found, ' / '.join(map(str, counted))])
  rows += [[*row, None] for row in PUBLISHED]
  return Table(
      'linguistic_probes',
      'Linguistic probes (Table IV)',
      _NOTE.format(source),
      ('model', 'words, all', 'words, in vocabulary', 'sentences', 'pairs'),
      rows,
  )
