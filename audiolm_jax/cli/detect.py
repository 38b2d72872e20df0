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

The answer is "cannot say", with the reason (--json: a label of null), where a
file is shorter than a second or holds nothing but silence or noise. So it is
where most of the sound is music or noises, if the detector has learnt what
those are (a label `other`); where less is, the rest decides.

The detector that comes with the package (--model=detector) learnt from the
bundle `speech` as it is: its card says how well. Of speech by other models its
answers mean nothing. launch/detector.sh trains another.

Exit code 1: some files could not be read; 2: a mistake of yours.
"""

from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model',
    'detector',
    'Bundle with a classifier: detector, speakers, a folder or hf://ORG/NAME.',
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    'json',
    False,
    'Whether verdicts are printed as JSON, one object a line.',
    flag_values=FLAGS,
)


def main(argv: list[str]) -> int:
  if not argv[1:]:
    raise UserError("Give audio, as in audiolm detect 'clips/*.wav'.")
  # Late, so that --help need not wait for JAX.
  from audiolm_jax.cli.actions import detect

  return detect.main(argv, FLAGS)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
