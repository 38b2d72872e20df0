"""Says whether recordings are continuations that a model made, or who speaks.

Examples:
  audiolm detect clip.wav other.mp3
  audiolm detect 'out/*.wav' --json > verdicts.jsonl
  audiolm detect clip.wav --model=speakers
  audiolm detect clip.wav --model=my_detector

For each file the most probable labels of the model with their probabilities,
and below them the probability of the first one second by second, "-" where it
is silent. Where seconds in a row are generated, the longest such run is the
headline: "generated from 10.0 to 17.0 s". --json writes one object a line
instead, with every label. The level of a file does not matter.

Of a file that is shorter than a second, or holds nothing but silence or noise,
the answer is "cannot say" with the reason (--json: a label of null). So it is
where most of the sound is music or noises, if the detector has learnt what
those are (a label `other`); where less is, the rest decides.

The detector that comes with the package (--model=detector) learnt from the
bundle `speech` as it is: its card says how well. Of speech by other models its
answers mean nothing. launch/detector.sh trains another.

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
from audiolm_jax.classifier import listening
from audiolm_jax.classifier.listening import Heard
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
    sound = audio.Sound(waveform, classifier.sample_rate)
    heard = listening.listen(classifier, sound)
    seconds = len(waveform) / classifier.sample_rate
    form = _object if FLAGS.json else _text
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


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
