"""What a detector gets right of held-out clips, as tables and a picture.

Example:
  python -m launch.detector_report runs/detector/report \\
      --model=runs/detector/bundle --manifest=runs/detector/clips/manifest.jsonl

The manifest is that of data.detector_clips. Writes report.md, report.json and,
where matplotlib is there, roc.png.
"""

import importlib.util
import json
import pathlib
import sys

from absl import flags

from audiolm_jax import audio, corpus
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.classifier import distortions
from audiolm_jax.classifier.labels import GENERATED
from audiolm_jax.cli import folders, verb
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.metrics import detection
from audiolm_jax.evaluation.metrics.detection import Sample
from audiolm_jax.evaluation.report import plots

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model', 'detector', 'Bundle with a detector.', flag_values=FLAGS
)
flags.DEFINE_string(
    'manifest',
    None,
    'Manifest that data.detector_clips wrote.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'split', 'test', 'Split of the manifest.', flag_values=FLAGS
)


def main(argv: list[str]) -> None:
  if len(argv) != 2 or not FLAGS.manifest:
    raise UserError('Give the folder of the report, and --manifest.')
  out = folders.writable(argv[1])
  classifier = Bundle.load(FLAGS.model).classifier
  rate = classifier.sample_rate
  samples = [
      Sample(
          audio.read(clip.path, rate),
          clip.origin == GENERATED,
          clip.source.partition('/')[0],
          clip.speaker or clip.piece,
      )
      for clip in corpus.read_manifest(FLAGS.manifest, FLAGS.split)
  ]
  rows = detection.measure(
      lambda sound: classifier.classify(sound).probability(GENERATED),
      samples,
      rate,
      distortions.EVALUATED,
  )
  table = detection.table(rows, pathlib.Path(FLAGS.model).name)
  (out / 'report.md').write_text(tables.markdown(table))
  curves = {
      name: detection.roc(judged)
      for name, judged in rows.items()
      if 0 < judged.generated.sum() < len(judged.generated)
  }
  contents = {
      'rows': [[tables.cell(cell) for cell in row] for row in table.rows],
      'roc': {
          name: [curve.false_alarms.tolist(), curve.hits.tolist()]
          for name, curve in curves.items()
      },
  }
  (out / 'report.json').write_text(json.dumps(contents, indent=2) + '\n')
  if importlib.util.find_spec('matplotlib'):
    plots.rocs(curves, out / 'roc.png')
  print(tables.markdown(table))
  print(f'Wrote {out}.')


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
