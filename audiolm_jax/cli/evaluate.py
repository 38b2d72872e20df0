"""Measures a model and what it generates, beside the papers' tables.

Examples:
  audiolm evaluate --generations=out --output_dir=report
  audiolm evaluate --model=speech --manifest=corpus/manifest.jsonl
  audiolm evaluate --model=piano --manifest=piano/manifest.jsonl \\
      --visqol=audio --prompt_seconds=4 --acoustic_only=acoustic_only
  audiolm evaluate --model=speech --manifest=corpus/manifest.jsonl \\
      --tokens=tokens --pairs=pairs --split=test --num_prompts=32
  audiolm evaluate --model=speech --manifest=corpus/manifest.jsonl \\
      --sections=tokenizers,recognition

--manifest measures, on held-out clips, the tokenizers (Table I), what a
recogniser understands (Table II), whose voice it is (Table III), quality,
piano's notes and what the detector says. --tokens measures the language models'
loss beside that of n-grams, and how much is copied from the training set.
--pairs measures which of two recordings the model finds likelier (Table IV).
--generations looks for faults in a folder of `audiolm generate`: silence (15 dB
below the prompt, or 30 at the end), clipping, loops, a prompt that cannot be
recognised. Each is named, and the exit code is then 1.

Writes report.html, which needs no other file, report.md, report.json and
pictures. What needs a package that is missing is a row that names it.
"""

from absl import flags

from audiolm_jax.cli import evaluation_flags, verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model',
    None,
    'Folder or name of a bundle, or hf://ORG/NAME.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'manifest', None, 'Manifest with held-out clips.', flag_values=FLAGS
)
flags.DEFINE_string(
    'tokens',
    None,
    'Token store of the held-out clips, for the language models.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'generations',
    None,
    'Folder that `audiolm generate` wrote, whose samples are measured.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'pairs',
    None,
    'Minimal pairs in the layout of ZeroSpeech 2021'
    ' (data.shipped.minimal_pairs).',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'abx_items',
    None,
    "Triphones to compare instead of the manifest's; needs --abx_audio.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'abx_audio',
    None,
    'Folder with the audio of --abx_items.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'acoustic_only',
    None,
    'Bundle with an acoustic-only stage to compare with.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'detector',
    None,
    'Bundle; detector if none is named and clips are of speech.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'speakers',
    None,
    'Bundle whose classifier knows the speakers.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'output_dir', 'report', 'Where the report goes.', flag_values=FLAGS
)
flags.DEFINE_string(
    'split', 'dev', 'Held-out split of clips and tokens.', flag_values=FLAGS
)
flags.DEFINE_string(
    'language',
    'en',
    'Language of the clips that are recognised; those whose manifest does not'
    ' say are in it.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'sections',
    [],
    'Only these of what the inputs allow:'
    f' {", ".join(evaluation_flags.SECTIONS)}.',
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    'visqol',
    'speech',
    ['speech', 'audio', 'off'],
    'Mode of ViSQOL.',
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    'pesq',
    True,
    'Whether PESQ is measured; with --visqol=audio it is not.',
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    'plots', True, 'Whether pictures are drawn.', flag_values=FLAGS
)
evaluation_flags.define(FLAGS)


def main(argv: list[str]) -> int:
  _check_flags(argv)
  # Late, so that --help need not wait for JAX.
  from audiolm_jax.cli.actions import evaluate

  return evaluate.main(FLAGS)


def _check_flags(argv: list[str]) -> None:
  if len(argv) > 1:
    raise UserError(f'{argv[1]!r} is not a flag; see audiolm evaluate --help.')
  needing = [
      f'--{name}'
      for name in ('manifest', 'tokens', 'pairs', 'abx_items')
      if FLAGS[name].value
  ]
  if not (FLAGS.generations or needing):
    raise UserError(
        'Give --generations, --manifest, --tokens, --pairs or --abx_items.'
    )
  if needing and not FLAGS.model:
    raise UserError(f'{" and ".join(needing)} needs --model, a bundle.')
  if FLAGS.abx_items and not FLAGS.abx_audio:
    raise UserError('--abx_items needs --abx_audio, the folder of its audio.')


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
