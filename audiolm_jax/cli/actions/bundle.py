"""Writes a bundle, as the flags of `audiolm bundle` say."""

import pathlib
from collections.abc import Sequence

from absl import flags

from audiolm_jax import corpus, files
from audiolm_jax.bundle import folder as bundle_folder
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.collecting import collect, onto
from audiolm_jax.bundle.parts import Part
from audiolm_jax.cli import card
from audiolm_jax.errors import UserError
from audiolm_jax.generation.chain import Samplings
from audiolm_jax.lm.sampling.methods import Sampling


def main(argv: list[str], values: flags.FlagValues) -> None:
  folder = files.writable(values.output_dir)
  notes = _read_notes(values.notes)
  new = collect(argv[1:])
  collected = _warm(onto(values.base, new), values.temperatures)
  bundle = Bundle(collected)
  clips = [
      clip
      for path in values.manifest
      for clip in corpus.read_manifest(path, 'train')
  ]
  kept = [name for name in bundle.parts if name not in new]
  origin = ''
  if values.base:
    origin = card.origin(values.base, bundle_folder.card(values.base), kept)
  text = card.model_card(folder.name, bundle, clips, notes, origin)
  bundle.save(folder, text, *_rounded(values, kept))
  # Rounded tokenizers may have ceased to fit.
  fingerprint = Bundle.load(folder).fingerprint
  print(f'Wrote {folder}, fingerprint {fingerprint}:')
  for path in sorted(path for path in folder.iterdir() if path.is_file()):
    print(f'  {path} ({path.stat().st_size / 1e6:.1f} MB)')


def _rounded(
    values: flags.FlagValues, kept: Sequence[str]
) -> tuple[set[str], set[str]]:
  """Parts in half and in a quarter of the room; kept ones as they were."""
  rounded = {'float16': set(values.float16), 'int8': set(values.int8)}
  stored = bundle_folder.dtypes(values.base) if values.base else {}
  for dtype, names in rounded.items():
    names -= set(kept)
    names |= {name for name in kept if stored[name] == dtype}
  return rounded['float16'], rounded['int8']


def _read_notes(path: str | None) -> str:
  if not path:
    return ''
  try:
    return pathlib.Path(path).read_text(encoding='utf-8')
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f'Cannot read --notes={path}: {error}.') from error


def _warm(
    collected: dict[str, Part], temperatures: Sequence[str]
) -> dict[str, Part]:
  """The parts with the temperatures that --temperatures gives them."""
  warm = dict(collected)
  sampled = [name for name in Samplings._fields if name in collected]
  for text in temperatures:
    name, _, number = text.partition('=')
    try:
      temperature = float(number)
    except ValueError as error:
      raise UserError(f'--temperatures={text}: give part=number.') from error
    if name not in sampled:
      raise UserError(
          f'--temperatures={text}: {name} is none of {", ".join(sampled)}.'
      )
    Sampling(temperature).check()
    part = collected[name]
    config = part.config | {'temperature': temperature}
    warm[name] = part._replace(config=config)
  return warm
