"""Measures, as the flags of `audiolm evaluate` say."""

import pathlib
import sys

from absl import flags

from audiolm_jax import files
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import compilation, evaluation_plan
from audiolm_jax.evaluation.report import page, plots, report
from audiolm_jax.evaluation.sections import measuring
from audiolm_jax.evaluation.subjects import generated


def main(values: flags.FlagValues) -> int:
  """Runs the sections whose inputs are given, and writes the report."""
  page.check_installed()
  if values.plots:
    plots.check_installed()
  findings = measuring.Findings(
      files.writable(values.output_dir),
      values.plots,
      {'inputs': _inputs(values)},
  )
  compilation.keep_compiled()
  bundle = Bundle.load(values.model) if values.model else None
  if bundle:
    findings.results['inputs']['fingerprint'] = bundle.fingerprint
  for name, section in evaluation_plan.plan(values, bundle).items():
    with measuring.timed(name):
      section(findings)
    # What is measured is kept, whatever becomes of the next section.
    written = _write(findings)
  print('\n'.join(str(path) for path in written))
  faulty = generated.faulty(findings.results.get('generations', []))
  for file, found in faulty.items():
    print(f'{file}: {", ".join(found)}', file=sys.stderr)
  return 1 if faulty else 0


def _write(findings: measuring.Findings) -> list[pathlib.Path]:
  if findings.draws:
    for table in findings.tables:
      plots.intervals(table, findings.folder / f'{table.name}.png')
  shown = {example.picture for example in findings.examples}
  pictures = sorted(findings.folder.glob('*.png'))
  return [
      *report.write(
          findings.results,
          findings.tables,
          [picture for picture in pictures if picture not in shown],
          findings.examples,
          findings.folder,
      ),
      *pictures,
  ]


def _inputs(values: flags.FlagValues) -> dict[str, str]:
  names = ['model', 'manifest', 'tokens', 'pairs', 'abx_items', 'generations']
  names += ['acoustic_only', 'split', 'seed'] if values.model else []
  return {
      name: values[name].value
      for name in names
      if values[name].value is not None
  }
