"""Measures of `audiolm evaluate` on tokenizers, models and folders."""

import contextlib
import dataclasses
import logging
import math
import pathlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from audiolm_jax import corpus
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.evaluation.listeners import perceptual
from audiolm_jax.evaluation.metrics import faults, fidelity
from audiolm_jax.evaluation.report import page, plots
from audiolm_jax.evaluation.subjects import (
    clips,
    embeddings,
    generated,
    tokenizers,
)
from audiolm_jax.evaluation.tables import Table
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC

# As many generations as a picture shows well.
MAX_SPECTROGRAMS = 8

Sections = dict[str, Any]

log = logging.getLogger(__name__)


@dataclasses.dataclass
class Findings:
  """The findings of a report; sections add to them.

  Attributes:
    folder: Folder that pictures are written to.
    draws: Whether there are pictures.
    results: Results by section.
    tables: Tables of figures beside the papers'.
    examples: Sounds to listen to.
  """

  folder: pathlib.Path
  draws: bool
  results: Sections = dataclasses.field(default_factory=dict)
  tables: list[Table] = dataclasses.field(default_factory=list)
  examples: list[page.Example] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Sizes:
  """Numbers of clips that are read, and how much of each.

  Attributes:
    num_clips: Number of clips that are decoded and compared.
    num_counted_clips: Number of clips whose codes are counted.
    num_labelled_clips: Number of clips that are compared with labels.
    num_training_clips: Number of clips for the MFCCs' k-means.
    max_seconds: Most seconds that are read of a clip.
    labelled_seconds: Most seconds of a clip that has labels.
    num_batches: Number of batches for each stage.
    batch_size: Crops in each of them.
  """

  num_clips: int
  num_counted_clips: int
  num_labelled_clips: int
  num_training_clips: int
  max_seconds: float
  labelled_seconds: float
  num_batches: int
  batch_size: int


def generated_folder(findings: Findings, folder: pathlib.Path) -> None:
  """Checks, draws and plays what `audiolm generate` wrote."""
  checked = generated.check(folder)
  findings.results['generations'] = checked
  sounds = [
      plots.Sound(
          found.file,
          generated.read(folder / found.file),
          found.prompt_seconds,
      )
      for found in checked[:MAX_SPECTROGRAMS]
      if found.continuation is not faults.NOTHING
  ]
  findings.examples += [
      page.Example(
          sound.title,
          [page.Take('generated', sound.waveform)],
          generated.SAMPLE_RATE,
      )
      for sound in sounds
  ]
  if findings.draws:
    path = findings.folder / 'generations.png'
    plots.spectrograms(sounds, generated.SAMPLE_RATE, path)


def codec_and_meaning(
    findings: Findings,
    bundle: Bundle,
    manifest: str,
    split: str,
    sizes: Sizes,
    metrics: Sequence[fidelity.Metric],
) -> None:
  """Measures the codec and, on clips with labels, what tokens mean."""
  held_out = corpus.read_manifest(manifest, split)
  # A codec may come alone.
  tokens = 'semantic_tokenizer' in bundle.parts
  labelled = [clip for clip in held_out if clip.labels and tokens]
  # What is asked for later, and may not be there.
  training = corpus.read_manifest(manifest, 'train') if labelled else []
  codec = tokenizers.evaluate_codec(
      bundle.acoustic,
      _load(bundle, held_out, sizes.num_counted_clips, sizes.max_seconds),
      sizes.num_clips,
      metrics,
  )
  findings.results |= codec._asdict()
  if findings.draws:
    plots.reconstruction(codec.reconstruction, findings.folder / 'codec.png')
  if labelled:
    findings.results |= _meaning(bundle, labelled, training, sizes)


def _meaning(
    bundle: Bundle,
    labelled: list[corpus.Clip],
    training: list[corpus.Clip],
    sizes: Sizes,
) -> Sections:
  semantic, acoustic = bundle.semantic, bundle.acoustic
  compared = _load(
      bundle, labelled, sizes.num_labelled_clips, sizes.labelled_seconds
  )
  tokenized = tokenizers.tokenize(semantic, acoustic, compared)
  found = tokenizers.evaluate_meaning(
      semantic,
      acoustic,
      tokenized,
      _load(bundle, training, sizes.num_training_clips, sizes.max_seconds),
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


def metrics(visqol: str, pesq: bool) -> list[fidelity.Metric]:
  """Measures of a reconstruction; `visqol` is ViSQOL's mode or 'off'."""
  found = [fidelity.MEL_DISTANCE, fidelity.SI_SNR]
  if visqol != 'off':
    found.append(perceptual.visqol(visqol))
    found.append(perceptual.visqol_similarity(visqol))
  if pesq and visqol != 'audio':
    found.append(perceptual.pesq())
  return found


def language_models(
    findings: Findings, bundle: Bundle, tokens: str, split: str, sizes: Sizes
) -> None:
  """Compares each stage with n-grams on the store's held-out split."""
  # TensorFlow is needed here only.
  from audiolm_jax.evaluation.subjects import stages
  from audiolm_jax.tokens.store import store

  fingerprints = {
      SEMANTIC: bundle.semantic.fingerprint,
      ACOUSTIC: bundle.acoustic.fingerprint,
  }
  store.check_fingerprints(tokens, fingerprints)
  results = {}
  for name, found in bundle.language_models.items():
    with timed(f'Stage {name}'):
      results[name] = stages.evaluate(
          found, tokens, split, sizes.num_batches, sizes.batch_size
      )
  findings.results['language_models'] = results
  if findings.draws:
    path = findings.folder / 'language_models.png'
    plots.language_models(results, path)


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
  """Logs how long something takes."""
  log.info('%s ...', what)
  start = time.monotonic()
  yield
  log.info('%s: done in %.0f s.', what, time.monotonic() - start)
