"""Which sections of a report the inputs allow, in order."""

import functools
import pathlib
from collections.abc import Callable

from absl import flags

from audiolm_jax import corpus
from audiolm_jax.bundle import Bundle
from audiolm_jax.cli import comparing, evaluation_flags, measuring, phones
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import comparison, recogniser

Section = Callable[[measuring.Findings], None]

SECTIONS = (
    'generations',
    'tokenizers',
    'phones',
    'language_models',
    'recognition',
    'continuations',
    'pairs',
)


def plan(values: flags.FlagValues, bundle: Bundle | None) -> dict[str, Section]:
  """Sections by name.

  Raises:
    UserError: There is no such section, or the inputs allow none.
  """
  unknown = set(values.sections) - set(SECTIONS)
  if unknown:
    raise UserError(
        f'There is no section {min(unknown)!r}; choose from'
        f' {", ".join(SECTIONS)}.'
    )
  allowed: dict[str, Section] = {}
  if values.generations:
    allowed['generations'] = functools.partial(
        measuring.generated_folder, folder=pathlib.Path(values.generations)
    )
  if bundle:
    allowed |= _of_bundle(values, bundle)
  chosen = {
      name: section
      for name, section in allowed.items()
      if not values.sections or name in values.sections
  }
  if not chosen:
    raise UserError(
        f'The inputs allow no section of --sections; they allow'
        f' {", ".join(allowed) or "none"}.'
    )
  return chosen


def _of_bundle(values: flags.FlagValues, bundle: Bundle) -> dict[str, Section]:
  sizes = evaluation_flags.sizes(values)
  asked = evaluation_flags.asked(values)
  sections: dict[str, Section] = {}
  if values.manifest:
    sections['tokenizers'] = functools.partial(
        measuring.codec_and_meaning,
        bundle=bundle,
        manifest=values.manifest,
        split=values.split,
        sizes=sizes,
        metrics=measuring.metrics(values.visqol, values.pesq),
    )
  if values.abx_items:
    sections['phones'] = functools.partial(
        phones.of_items,
        bundle=bundle,
        path=values.abx_items,
        folder=values.abx_audio,
        seed=values.seed,
    )
  elif values.manifest and 'semantic_tokenizer' in bundle.parts:
    spoken = [
        clip
        for clip in corpus.read_manifest(values.manifest, values.split)
        if clip.labels and clip.speaker
    ]
    if spoken:
      sections['phones'] = functools.partial(
          phones.of_labels,
          bundle=bundle,
          labelled=spoken,
          num_clips=sizes.num_labelled_clips,
          max_seconds=sizes.labelled_seconds,
          seed=values.seed,
      )
  if values.tokens:
    sections['language_models'] = functools.partial(
        measuring.language_models,
        bundle=bundle,
        tokens=values.tokens,
        split=values.split,
        sizes=sizes,
    )
  if values.manifest and comparison.models(bundle, None):
    clips = corpus.read_manifest(values.manifest, values.split)
    if any(clip.transcript for clip in clips):
      sections['recognition'] = functools.partial(
          comparing.understood,
          bundle=bundle,
          clips=clips,
          asked=asked,
          recognise=recogniser.whisper(),
          language=values.language,
      )
    sections['continuations'] = functools.partial(
        comparing.continued,
        bundle=bundle,
        clips=clips,
        asked=asked,
        others=comparing.Others(
            values.acoustic_only, values.detector, values.speakers
        ),
        tokens=values.tokens,
    )
  if values.pairs:
    sections['pairs'] = functools.partial(
        comparing.likelier,
        bundle=bundle,
        folder=values.pairs,
        num_pairs=values.num_pairs,
        seed=values.seed,
    )
  return sections
