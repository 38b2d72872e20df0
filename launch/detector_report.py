"""Verdicts of a detector on held-out clips, as tables and a picture.

Example:
  python -m launch.detector_report runs/detector/report \\
      --model=runs/detector/bundle --manifest=runs/detector/clips/manifest.jsonl

The manifest is that of data.shipped.detector_clips; a glob may add that of
data.shipped.other_sounds, which get a table of their own. Writes report.md,
report.json and, where matplotlib is there, roc.png.
"""

import collections
import importlib.util
import json
import pathlib
import sys
from collections.abc import Sequence

from absl import flags

from audiolm_jax import audio, corpus, files
from audiolm_jax.audio import Sound
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.classifier import distortions, listening
from audiolm_jax.classifier.clips import ClipClassifier
from audiolm_jax.classifier.labels import GENERATED, OTHER
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.metrics import detection
from audiolm_jax.evaluation.metrics.detection import Sample
from audiolm_jax.evaluation.report import plots
from audiolm_jax.evaluation.tables import Table

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model', 'detector', 'Bundle with a detector.', flag_values=FLAGS
)
flags.DEFINE_string(
    'manifest',
    None,
    'Manifest of clips with origins, or a glob of several.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'split', 'test', 'Split of the manifest.', flag_values=FLAGS
)


def main(argv: list[str]) -> None:
  if len(argv) != 2 or not FLAGS.manifest:
    raise UserError('Give the folder of the report, and --manifest.')
  out = files.writable(argv[1])
  classifier = Bundle.load(FLAGS.model).classifier
  rate = classifier.sample_rate
  clips = corpus.read_manifest(FLAGS.manifest, FLAGS.split)
  samples = [
      Sample(
          audio.read(clip.path, rate),
          clip.origin == GENERATED,
          clip.source.partition('/')[0],
          clip.speaker or clip.piece,
      )
      for clip in clips
      if clip.origin != OTHER
  ]
  rows = detection.measure(
      lambda sound: classifier.classify(sound).probability(GENERATED),
      samples,
      rate,
      distortions.EVALUATED,
  )
  table = detection.table(rows, pathlib.Path(FLAGS.model).name)
  refusals = detection.refusals(_refused(classifier, clips))
  text = '\n'.join(map(tables.markdown, (table, refusals)))
  (out / 'report.md').write_text(text)
  curves = {
      name: detection.roc(judged)
      for name, judged in rows.items()
      if 0 < judged.generated.sum() < len(judged.generated)
  }
  contents = {
      'rows': _cells(table),
      'refusals': _cells(refusals),
      'roc': {
          name: [curve.false_alarms.tolist(), curve.hits.tolist()]
          for name, curve in curves.items()
      },
  }
  (out / 'report.json').write_text(json.dumps(contents, indent=2) + '\n')
  if importlib.util.find_spec('matplotlib'):
    plots.rocs(curves, out / 'roc.png')
  print(text)
  print(f'Wrote {out}.')


def _refused(
    classifier: ClipClassifier, clips: Sequence[Clip]
) -> dict[str, list[tuple[bool, str]]]:
  """Whether there is a verdict on each clip, by where the clips are from."""
  refused = collections.defaultdict(list)
  for clip in clips:
    waveform = audio.read(clip.path, classifier.sample_rate)
    heard = listening.listen(
        classifier, Sound(waveform, classifier.sample_rate)
    )
    kind = clip.source.partition('/')[0]
    group = clip.speaker or clip.piece or clip.source
    refused[kind].append((heard.probabilities is None, group))
  return dict(sorted(refused.items()))


def _cells(table: Table) -> list[list[str]]:
  return [[tables.cell(cell) for cell in row] for row in table.rows]


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
