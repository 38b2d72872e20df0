"""Measures the parts of a model, and the sound that it generated.

Examples:
  audiolm evaluate --generations=out --output_dir=report
  audiolm evaluate --model=speech --manifest=corpus/manifest.jsonl \\
      --output_dir=report
  audiolm evaluate --model=speech --manifest=corpus/manifest.jsonl \\
      --tokens=tokens --generations=out --output_dir=report
  audiolm evaluate --model=piano --manifest=piano/manifest.jsonl --visqol=audio

--manifest measures the tokenizers on held-out clips: reconstruction at fewer
and fewer quantizer levels, use of the codebooks and, where clips have labels,
what tokens say about them. --tokens measures the language models' loss beside
that of n-grams. --generations looks for faults in what was generated. Writes
report.html, report.md, report.json and pictures.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

from absl import flags

from audiolm_jax.bundle import Bundle
from audiolm_jax.cli import compilation, folders, measuring, verb
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import page, plots, report

Section = Callable[[measuring.Findings], None]

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model', None, 'Folder or name of a bundle.', flag_values=FLAGS
)
flags.DEFINE_string(
    'manifest', None, 'Manifest with held-out clips.', flag_values=FLAGS
)
flags.DEFINE_string('tokens', None, 'Token store.', flag_values=FLAGS)
flags.DEFINE_string(
    'generations', None, 'Folder of `audiolm generate`.', flag_values=FLAGS
)
flags.DEFINE_string(
    'output_dir', 'report', 'Where the report goes.', flag_values=FLAGS
)
flags.DEFINE_string(
    'split', 'dev', 'Held-out split of clips and tokens.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'num_clips', 12, 'Clips to decode and compare.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'num_counted_clips', 40, 'Clips to count codes of.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'num_labelled_clips', 60, 'Clips to compare with labels.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'num_training_clips',
    400,
    "Clips for the MFCCs' k-means.",
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'max_seconds', 8.0, 'How much of a clip is read.', flag_values=FLAGS
)
flags.DEFINE_float(
    'labelled_seconds',
    60.0,
    'How much of a clip with labels is read to compare with them.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_batches', 40, 'Batches for each stage.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'batch_size', 4, 'Crops in each of them.', flag_values=FLAGS
)
flags.DEFINE_enum(
    'visqol', 'speech', ['speech', 'audio', 'off'], 'Mode.', flag_values=FLAGS
)
flags.DEFINE_bool(
    'pesq', True, 'PESQ, unless --visqol=audio.', flag_values=FLAGS
)
flags.DEFINE_bool('plots', True, 'Draw pictures.', flag_values=FLAGS)


def main(argv: list[str]) -> None:
  """Runs the sections whose inputs are given, and writes the report."""
  _check_flags(argv)
  page.check_installed()
  if FLAGS.plots:
    plots.check_installed()
  findings = measuring.Findings(
      folders.writable(FLAGS.output_dir), FLAGS.plots, {'inputs': _inputs()}
  )
  compilation.keep_compiled()
  written = []
  for name, section in _sections(findings).items():
    with measuring.timed(name):
      section(findings)
    # What is measured is kept, whatever becomes of the next section.
    pictures = sorted(findings.folder.glob('*.png'))
    written = report.write(
        findings.results,
        findings.tables,
        pictures,
        findings.examples,
        findings.folder,
    )
  print('\n'.join(str(path) for path in [*written, *pictures]))


def _sections(findings: measuring.Findings) -> dict[str, Section]:
  """What is asked for, by name."""
  sections: dict[str, Section] = {}
  if FLAGS.generations:
    sections['Generations'] = functools.partial(
        measuring.generated_folder, folder=pathlib.Path(FLAGS.generations)
    )
  if not FLAGS.model:
    return sections
  bundle = Bundle.load(FLAGS.model)
  findings.results['inputs']['fingerprint'] = bundle.fingerprint
  fields = dataclasses.fields(measuring.Sizes)
  sizes = measuring.Sizes(**{f.name: FLAGS[f.name].value for f in fields})
  common = {'bundle': bundle, 'split': FLAGS.split, 'sizes': sizes}
  if FLAGS.manifest:
    sections['Tokenizers'] = functools.partial(
        measuring.codec_and_meaning,
        manifest=FLAGS.manifest,
        metrics=measuring.metrics(FLAGS.visqol, FLAGS.pesq),
        **common,
    )
  if FLAGS.tokens:
    sections['Language models'] = functools.partial(
        measuring.language_models, tokens=FLAGS.tokens, **common
    )
  return sections


def _check_flags(argv: list[str]) -> None:
  if len(argv) > 1:
    raise UserError(f'{argv[1]!r} is not a flag; see audiolm evaluate --help.')
  if not (FLAGS.generations or FLAGS.manifest or FLAGS.tokens):
    raise UserError('Give --generations, --manifest or --tokens.')
  if (FLAGS.manifest or FLAGS.tokens) and not FLAGS.model:
    raise UserError('--manifest and --tokens need --model, a bundle.')


def _inputs() -> dict[str, str]:
  names = ['model', 'manifest', 'tokens', 'generations']
  names += ['split'] if FLAGS.model else []
  return {n: FLAGS[n].value for n in names if FLAGS[n].value}


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
