"""The sections of a report that the inputs allow, in order."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

from absl import flags

from audiolm_jax import corpus
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli.evaluation_flags import SECTIONS
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.listeners import recogniser
from audiolm_jax.evaluation.sections import (
    comparing,
    measuring,
    phones,
    probing,
)
from audiolm_jax.evaluation.subjects import comparison

Section = Callable[[measuring.Findings], None]


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
  sections: dict[str, Section] = {}
  if values.manifest:
    clips = corpus.read_manifest(values.manifest, values.split)
    sections |= _of_clips(values, bundle, clips)
  if values.abx_items:
    sections['phones'] = functools.partial(
        phones.of_items,
        bundle=bundle,
        path=values.abx_items,
        folder=values.abx_audio,
        seed=values.seed,
    )
  if values.tokens:
    sections['language_models'] = functools.partial(
        measuring.language_models,
        bundle=bundle,
        tokens=values.tokens,
        split=values.split,
        sizes=_sizes(values),
    )
  if values.pairs:
    sections['pairs'] = functools.partial(
        probing.likelier,
        bundle=bundle,
        folder=values.pairs,
        num_pairs=values.num_pairs,
        seed=values.seed,
    )
  return sections


def _of_clips(
    values: flags.FlagValues, bundle: Bundle, clips: list[corpus.Clip]
) -> dict[str, Section]:
  sizes = _sizes(values)
  sections: dict[str, Section] = {
      'tokenizers': functools.partial(
          measuring.codec_and_meaning,
          bundle=bundle,
          manifest=values.manifest,
          split=values.split,
          sizes=sizes,
          metrics=measuring.metrics(values.visqol, values.pesq),
      )
  }
  # Notes overlap and make no triphones.
  spoken = [clip for clip in clips if clip.labels and clip.speaker]
  if spoken and 'semantic_tokenizer' in bundle.parts:
    sections['phones'] = functools.partial(
        phones.of_labels,
        bundle=bundle,
        labelled=spoken,
        num_clips=sizes.num_labelled_clips,
        max_seconds=sizes.labelled_seconds,
        seed=values.seed,
    )
  if comparison.models(bundle, None):
    sections |= _generated(values, bundle, clips)
  return sections


def _generated(
    values: flags.FlagValues, bundle: Bundle, clips: list[corpus.Clip]
) -> dict[str, Section]:
  asked = _asked(values)
  sections: dict[str, Section] = {}
  said = probing.in_language(clips, values.language)
  if said:
    sections['recognition'] = functools.partial(
        probing.understood,
        bundle=bundle,
        clips=said,
        asked=asked,
        recognise=recogniser.whisper(),
        language=values.language,
    )
  # Classifiers that come with the package have heard speech only.
  is_speech = any(clip.speaker for clip in clips)
  others = comparing.Others(
      values.acoustic_only,
      *(
          name if given is None and is_speech else given
          for name, given in (
              ('detector', values.detector),
              ('speakers', values.speakers),
          )
      ),
  )
  sections['continuations'] = functools.partial(
      comparing.continued,
      bundle=bundle,
      clips=clips,
      asked=asked,
      others=others,
      tokens=values.tokens,
  )
  return sections


def _sizes(values: flags.FlagValues) -> measuring.Sizes:
  """Numbers of clips that are read."""
  fields = dataclasses.fields(measuring.Sizes)
  return measuring.Sizes(
      **{field.name: values[field.name].value for field in fields}
  )


def _asked(values: flags.FlagValues) -> comparison.Asked:
  """Number and length of what is generated."""
  return comparison.Asked(
      values.num_prompts,
      values.samples_per_prompt,
      values.prompt_seconds,
      values.continuation_seconds,
      values.generation_batch_size,
      values.seed,
  )
