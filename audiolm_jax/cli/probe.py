"""Judges semantic tokens: can one speak from them, and do they tell phones?

Examples:
  audiolm probe --model=runs/semantic_vq --manifest='corpora/speech/*.jsonl'
  audiolm probe --model=speech --manifest='corpora/speech/*.jsonl' \\
      --cpu_minutes=5 --output_dir=spoken

The model is a bundle with a semantic tokenizer, or a training run that needs no
clustering. A small decoder learns for some CPU-minutes, on the training split,
to speak from the ids and a voice; it then speaks held-out clips, and a
recogniser says how many of their words are wrong, beside the recordings' own.
Clips with phone times (python -m data.shipped.phones makes them) also give PNMI
and ABX of the ids. Compare tokenizers at the same minutes and clips.
"""

import pathlib
import random
from collections.abc import Sequence

import numpy as np
from absl import flags
from jaxtyping import Float

from audiolm_jax import audio, corpus, files
from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import compilation, verb
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.listeners import recogniser
from audiolm_jax.evaluation.metrics import labels, tokens_meaning
from audiolm_jax.evaluation.metrics.tokens_meaning import (
    FrameFeatures,
    FrameIds,
)
from audiolm_jax.evaluation.metrics.triphones import Speech
from audiolm_jax.evaluation.sections import error_rates, probing
from audiolm_jax.evaluation.sections.error_rates import Spoken
from audiolm_jax.evaluation.subjects import clips, speaking_probe
from audiolm_jax.evaluation.tables import Table
from audiolm_jax.tokens.tokenizers.contract import SemanticTokenizer
from audiolm_jax.training.checkpoints import loading

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model', None, 'A bundle, a run or a checkpoint.', flag_values=FLAGS
)
flags.DEFINE_string(
    'manifest',
    None,
    'Manifest of the corpus; may be a glob.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'split', 'test', 'Split whose clips are judged.', flag_values=FLAGS
)
flags.DEFINE_float(
    'cpu_minutes',
    5.0,
    'CPU-minutes that the decoder learns for; 0 leaves speaking out.',
    lower_bound=0.0,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_clips',
    16,
    'Number of clips that are recognised.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_labelled_clips',
    80,
    'Largest number of clips with phone times.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'language',
    'en',
    'Language of the clips that are recognised.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'output_dir', None, 'Folder that gets what was spoken.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'seed', 0, 'Seed of all random choices.', flag_values=FLAGS
)

_CROP_SECONDS, _BATCH_SIZE = 4.0, 4
_SPOKEN = 'spoken from semantic tokens'
_LABELLED_SECONDS = 20.0


def main(argv: list[str]) -> None:
  if len(argv) > 1 or not (FLAGS.model and FLAGS.manifest):
    raise UserError('Give --model and --manifest; see audiolm probe --help.')
  folder = files.writable(FLAGS.output_dir) if FLAGS.output_dir else None
  compilation.keep_compiled()
  semantic = load(FLAGS.model)
  held_out = corpus.read_manifest(FLAGS.manifest, FLAGS.split)
  labelled = [clip for clip in held_out if clip.labels]
  if labelled:
    print(tables.markdown(tell_phones(semantic, labelled)), flush=True)
  if FLAGS.cpu_minutes:
    print(tables.markdown(speak(semantic, held_out, folder)), flush=True)


def load(path: str) -> SemanticTokenizer:
  """The semantic tokenizer of a bundle, of a run or of a checkpoint of it."""
  folder = pathlib.Path(path)
  if not folder.is_dir() or (folder / 'bundle.json').is_file():
    return Bundle.load(path).semantic
  name, part = parts.from_checkpoint(loading.load_params(path))
  return Bundle({name: part}, path).semantic


def choose(held_out: Sequence[Clip], count: int) -> list[Clip]:
  """Clips whose words are known, of all speakers in turn; always the same."""
  found = probing.in_language(held_out, FLAGS.language)
  if not found:
    raise UserError(
        f'No clip of split {FLAGS.split} has a transcript in'
        f' {FLAGS.language!r}; give another manifest or --language.'
    )
  random.Random(FLAGS.seed).shuffle(found)
  turns, order = {}, []
  for place, clip in enumerate(found):
    turns[clip.speaker] = turns.get(clip.speaker, 0) + 1
    order.append((turns[clip.speaker], str(clip.speaker), place))
  return [found[place] for *_, place in sorted(order)[:count]]


def speak(
    semantic: SemanticTokenizer,
    held_out: Sequence[Clip],
    folder: pathlib.Path | None,
) -> Table:
  """Trains a probe, and has what it says recognised."""
  chosen = choose(held_out, FLAGS.num_clips)
  batches = corpus.AudioBatches(
      corpus.read_manifest(FLAGS.manifest, 'train'),
      semantic.sample_rate,
      _CROP_SECONDS,
      _BATCH_SIZE,
      FLAGS.seed,
  )
  trained = speaking_probe.train(
      semantic, batches, FLAGS.cpu_minutes, FLAGS.seed
  )
  originals = [audio.read(clip.path, semantic.sample_rate) for clip in chosen]
  spoken = speaking_probe.speak(trained, semantic, originals)
  if folder:
    for number, waveform in enumerate(spoken):
      audio.write(folder / f'{number}.wav', waveform, semantic.sample_rate)
  sounds = {error_rates.ORIGINAL: originals, _SPOKEN: spoken}
  return error_rates.table(
      recogniser.whisper(1),
      {
          name: _as_heard(waveforms, chosen, semantic.sample_rate)
          for name, waveforms in sounds.items()
      },
      f'{len(chosen)} held-out clips of'
      f' {", ".join(sorted({clip.source for clip in chosen}))}. The decoder'
      f' learnt for {FLAGS.cpu_minutes:g} CPU-minutes: {trained.steps} steps,'
      f' {trained.seconds / 3600:.2f} h, spectral loss {trained.loss:.3f}.',
      FLAGS.seed,
  )


def _as_heard(
    waveforms: Sequence[Float[np.ndarray, ' _']],
    chosen: Sequence[Clip],
    sample_rate: int,
) -> list[Spoken]:
  return [
      Spoken(
          audio.Sound(waveform, sample_rate),
          clip.transcript,
          clip.speaker or clip.path,
          FLAGS.language,
      )
      for waveform, clip in zip(waveforms, chosen, strict=True)
  ]


def tell_phones(semantic: SemanticTokenizer, labelled: Sequence[Clip]) -> Table:
  """PNMI of the ids, and ABX of the vectors that stand for them."""
  chosen = clips.choose(labelled, FLAGS.num_labelled_clips)
  loaded = clips.load(
      chosen, semantic.sample_rate, _LABELLED_SECONDS, semantic.hop_length
  )
  found = clips.in_batches(
      'Semantic tokens', semantic.encode, loaded.waveforms, loaded.lengths
  )
  ids = loaded.frames(found, semantic.hop_length)
  seconds = semantic.hop_length / semantic.sample_rate
  intervals = [labels.read(clip.labels) for clip in chosen]
  spoken = [
      Speech(phones, clip.speaker or clip.source, clip.source)
      for phones, clip in zip(intervals, chosen, strict=True)
  ]
  vectors = [semantic.centroids[clip] for clip in ids]
  meant = tokens_meaning.meaning({'ids': FrameIds(ids, seconds)}, intervals)
  errors = tokens_meaning.abx_errors(
      {'ids': FrameFeatures(vectors, seconds)}, spoken
  )
  pnmi, abx = meant['ids'], errors['ids']
  return Table(
      'phones',
      'Do the ids tell phones apart?',
      'PNMI: the share of the uncertainty about a phone that its id removes'
      ' (more is better). ABX errors in per cent (fewer is better, 50 is'
      f' chance). {len(chosen)} clips.',
      ('rate', 'K', 'PNMI', 'by chance', 'ABX within', 'ABX across'),
      [
          [
              1 / seconds,
              semantic.codebook_size,
              pnmi.pnmi,
              pnmi.pnmi_chance,
              100 * abx.within,
              100 * abx.across,
          ]
      ],
  )


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
