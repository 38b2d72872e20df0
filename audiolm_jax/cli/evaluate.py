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
report.md, report.json and pictures.
"""

import contextlib
import functools
import math
import pathlib
import time
from collections.abc import Iterator
from typing import Any

from absl import flags, logging

from audiolm_jax import corpus
from audiolm_jax.bundle import Bundle
from audiolm_jax.cli import compilation, folders, verb
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import (
    clips,
    embeddings,
    fidelity,
    generated,
    generations,
    perceptual,
    plots,
    report,
    tokenizers,
)
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC

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


# As many generations as a picture shows well.
MAX_SPECTROGRAMS = 8

Sections = dict[str, Any]


def main(argv: list[str]) -> None:
  """Runs the sections whose inputs are given, and writes the report."""
  _check_flags(argv)
  if FLAGS.plots:
    plots.check_installed()
  output_dir = folders.writable(FLAGS.output_dir)
  compilation.keep_compiled()
  results: Sections = {'inputs': _inputs()}
  sections = {}
  if FLAGS.generations:
    sections['Generations'] = generations_section
  if FLAGS.model:
    bundle = Bundle.load(FLAGS.model)
    results['inputs']['fingerprint'] = bundle.fingerprint
    if FLAGS.manifest:
      part = functools.partial(tokenizer_sections, bundle)
      sections['Tokenizers'] = part
    if FLAGS.tokens:
      part = functools.partial(language_model_section, bundle)
      sections['Language models'] = part
  for name, section in sections.items():
    with _timed(name):
      results |= section(output_dir)
    # What is measured is kept, whatever becomes of the next section.
    written = [*report.write(results, output_dir), *output_dir.glob('*.png')]
  print('\n'.join(str(path) for path in written))


def generations_section(output_dir: pathlib.Path) -> Sections:
  """Checks and draws what `audiolm generate` wrote."""
  folder = pathlib.Path(FLAGS.generations)
  checked = generated.check(folder)
  if FLAGS.plots:
    sounds = [
        plots.Sound(
            found.file,
            generated.read(folder / found.file),
            found.prompt_seconds,
        )
        for found in checked[:MAX_SPECTROGRAMS]
        if found.continuation is not generations.NOTHING
    ]
    plots.spectrograms(
        sounds, generated.SAMPLE_RATE, output_dir / 'generations.png'
    )
  return {'generations': checked}


def tokenizer_sections(bundle: Bundle, output_dir: pathlib.Path) -> Sections:
  """Measures the codec and, on clips with labels, what tokens mean."""
  metrics = _metrics()
  held_out = corpus.read_manifest(FLAGS.manifest, FLAGS.split)
  # A codec may come alone.
  tokens = 'semantic_tokenizer' in bundle.parts
  labelled = [clip for clip in held_out if clip.labels and tokens]
  # What is asked for later, and may not be there.
  training = corpus.read_manifest(FLAGS.manifest, 'train') if labelled else []
  codec = tokenizers.evaluate_codec(
      bundle.acoustic,
      _load(bundle, held_out, FLAGS.num_counted_clips, FLAGS.max_seconds),
      FLAGS.num_clips,
      metrics,
  )
  if FLAGS.plots:
    plots.reconstruction(codec.reconstruction, output_dir / 'codec.png')
  meaning = _meaning(bundle, labelled, training) if labelled else {}
  return codec._asdict() | meaning


def _meaning(
    bundle: Bundle, labelled: list[corpus.Clip], training: list[corpus.Clip]
) -> Sections:
  semantic, acoustic = bundle.semantic, bundle.acoustic
  compared = _load(
      bundle, labelled, FLAGS.num_labelled_clips, FLAGS.labelled_seconds
  )
  tokenized = tokenizers.tokenize(semantic, acoustic, compared)
  found = tokenizers.evaluate_meaning(
      semantic,
      acoustic,
      tokenized,
      _load(bundle, training, FLAGS.num_training_clips, FLAGS.max_seconds),
      embeddings.of_tokens(bundle, tokenized),
  )
  return {'num_labelled': len(compared.clips)} | found._asdict()


def _load(
    bundle: Bundle, found: list[corpus.Clip], num_clips: int, seconds: float
) -> clips.LoadedClips:
  hops = [bundle.acoustic.hop_length]
  if 'semantic_tokenizer' in bundle.parts:
    hops.append(bundle.semantic.hop_length)
  return clips.load(
      clips.choose(found, num_clips),
      bundle.acoustic.sample_rate,
      seconds,
      math.lcm(*hops),
  )


def _metrics() -> list[fidelity.Metric]:
  metrics = [fidelity.MEL_DISTANCE, fidelity.SI_SNR]
  if FLAGS.visqol != 'off':
    metrics.append(perceptual.visqol(FLAGS.visqol))
    metrics.append(perceptual.visqol_similarity(FLAGS.visqol))
  if FLAGS.pesq and FLAGS.visqol != 'audio':
    metrics.append(perceptual.pesq())
  return metrics


def language_model_section(
    bundle: Bundle, output_dir: pathlib.Path
) -> Sections:
  """Compares each stage with n-grams on the store's held-out split."""
  # TensorFlow is needed here only.
  from audiolm_jax.evaluation import stages
  from audiolm_jax.tokens import store

  fingerprints = {
      SEMANTIC: bundle.semantic.fingerprint,
      ACOUSTIC: bundle.acoustic.fingerprint,
  }
  store.check_fingerprints(FLAGS.tokens, fingerprints)
  results = {}
  for name, found in bundle.language_models.items():
    with _timed(f'Stage {name}'):
      results[name] = stages.evaluate(
          found,
          FLAGS.tokens,
          FLAGS.split,
          FLAGS.num_batches,
          FLAGS.batch_size,
      )
  if FLAGS.plots:
    plots.language_models(results, output_dir / 'language_models.png')
  return {'language_models': results}


def _check_flags(argv: list[str]) -> None:
  if len(argv) > 1:
    raise UserError(f'{argv[1]!r} is not a flag; see audiolm evaluate --help.')
  if not (FLAGS.generations or FLAGS.manifest or FLAGS.tokens):
    raise UserError('Give --generations, --manifest or --tokens.')
  if (FLAGS.manifest or FLAGS.tokens) and not FLAGS.model:
    raise UserError('--manifest and --tokens need --model, a bundle.')


def _inputs() -> Sections:
  names = ['model', 'manifest', 'tokens', 'generations']
  names += ['split'] if FLAGS.model else []
  return {n: FLAGS[n].value for n in names if FLAGS[n].value}


@contextlib.contextmanager
def _timed(what: str) -> Iterator[None]:
  logging.info('%s ...', what)
  start = time.monotonic()
  yield
  logging.info('%s: done in %.0f s.', what, time.monotonic() - start)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
