"""Says whether recordings are continuations that a model made, or who speaks.

Examples:
  audiolm detect clip.wav other.mp3
  audiolm detect 'out/*.wav' --json > verdicts.jsonl
  audiolm detect clip.wav --model=speakers
  audiolm detect clip.wav --model=my_detector

For each file the most probable labels of the model with their probabilities,
and below them the probability of the first one second by second. --json writes
one object a line instead, with every label.

The detector that comes with the package (--model=detector) knows the bundles
that come with the package; its card says how well, and what it does not know.

Exit code 1: some files could not be read; 2: a mistake of yours.
"""

import json
import sys
from collections.abc import Sequence

import numpy as np
from absl import flags
from jaxtyping import Float

from audiolm_jax import audio
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.classifier.clips import Verdict
from audiolm_jax.cli import compilation, prompts, verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model',
    'detector',
    'Bundle with a classifier: detector, speakers or a folder.',
    flag_values=FLAGS,
)
flags.DEFINE_bool('json', False, 'One object a line.', flag_values=FLAGS)

_MOST_LABELS = 3
_LEAST_PROBABILITY = 0.001


def main(argv: list[str]) -> int:
  if not argv[1:]:
    raise UserError("Give audio, as in audiolm detect 'clips/*.wav'.")
  classifier = Bundle.load(FLAGS.model).classifier
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
    verdict = classifier.classify(waveform)
    seconds = len(waveform) / classifier.sample_rate
    lines = (
        _object(path, seconds, verdict) if FLAGS.json else _text(path, verdict)
    )
    print(lines, flush=True)
  if num_bad:
    print(f'{num_bad} files could not be read, see above.', file=sys.stderr)
  return 1 if num_bad else 0


def _text(path: str, verdict: Verdict) -> str:
  order = verdict.probabilities.argsort()[::-1][:_MOST_LABELS]
  named = [
      f'{verdict.labels[i]} {verdict.probabilities[i]:.3f}'
      for i in order
      if i == order[0] or verdict.probabilities[i] >= _LEAST_PROBABILITY
  ]
  track = ' '.join(f'{row[order[0]]:.2f}' for row in verdict.track)
  first = verdict.labels[order[0]]
  return f'{path}: {", ".join(named)}\n  {first}, by second: {track}'


def _object(path: str, seconds: float, verdict: Verdict) -> str:
  return json.dumps(
      {
          'file': path,
          'seconds': seconds,
          'label': verdict.label,
          'probabilities': _named(verdict.labels, verdict.probabilities),
          'by_second': [_named(verdict.labels, row) for row in verdict.track],
      },
      ensure_ascii=False,
  )


def _named(
    labels: Sequence[str], row: Float[np.ndarray, ' V']
) -> dict[str, float]:
  pairs = zip(labels, row, strict=True)
  return {label: round(float(probability), 6) for label, probability in pairs}


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
