"""Says what it hears, as the flags of `audiolm detect` ask."""

import json
import sys
from collections.abc import Sequence

import numpy as np
from absl import flags
from jaxtyping import Float

from audiolm_jax import audio
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.classifier import listening
from audiolm_jax.classifier.listening import Heard
from audiolm_jax.cli import compilation, prompts
from audiolm_jax.errors import UserError

_MOST_LABELS = 3
_LEAST_PROBABILITY = 0.001


def main(argv: list[str], values: flags.FlagValues) -> int:
  classifier = Bundle.load(values.model).classifier
  compilation.keep_compiled()
  paths = prompts.find(argv[1:])
  num_bad = 0
  for path in paths:
    try:
      waveform = audio.read(path, classifier.sample_rate)
    except UserError as error:
      print(f'Skipped: {error}', file=sys.stderr, flush=True)
      num_bad += 1
      continue
    sound = audio.Sound(waveform, classifier.sample_rate)
    heard = listening.listen(classifier, sound)
    seconds = len(waveform) / classifier.sample_rate
    form = _object if values.json else _text
    print(form(path, seconds, classifier.labels, heard), flush=True)
  if num_bad:
    print(f'{num_bad} files could not be read, see above.', file=sys.stderr)
  return 1 if num_bad else 0


def _text(
    path: str, seconds: float, labels: Sequence[str], heard: Heard
) -> str:
  if heard.probabilities is None:
    return f'{path}: cannot say: {heard.reason}'
  order = heard.probabilities.argsort()[::-1][:_MOST_LABELS]
  named = [
      f'{labels[i]} {heard.probabilities[i]:.3f}'
      for i in order
      if i == order[0] or heard.probabilities[i] >= _LEAST_PROBABILITY
  ]
  if heard.run and heard.run != (0.0, seconds):
    start, end = heard.run
    probability = heard.probabilities[order[0]]
    span = f'from {start:.1f} to {end:.1f} s'
    named[0] = f'{labels[order[0]]} {span}, {probability:.3f}'
  track = ' '.join(
      '-' if row is None else f'{row[order[0]]:.2f}' for row in heard.track
  )
  first = labels[order[0]]
  return f'{path}: {", ".join(named)}\n  {first}, by second: {track}'


def _object(
    path: str, seconds: float, labels: Sequence[str], heard: Heard
) -> str:
  best = None
  if heard.probabilities is not None:
    best = labels[int(heard.probabilities.argmax())]
  return json.dumps(
      {
          'file': path,
          'seconds': seconds,
          'label': best,
          'reason': heard.reason,
          'generated_from_to': heard.run,
          'probabilities': _named(labels, heard.probabilities),
          'by_second': [_named(labels, row) for row in heard.track],
      },
      ensure_ascii=False,
  )


def _named(
    labels: Sequence[str], row: Float[np.ndarray, ' V'] | None
) -> dict[str, float] | None:
  if row is None:
    return None
  pairs = zip(labels, row, strict=True)
  return {label: round(float(probability), 6) for label, probability in pairs}
