"""A model one can hand over: tokenizers and language models that fit."""

import functools
import hashlib
import json
import os
import pathlib
from collections.abc import Collection, Mapping
from typing import Any

from flax import linen as nn

from audiolm_jax.bundle import fitting, parts, publishing, tokenizers
from audiolm_jax.bundle import folder as bundle_folder
from audiolm_jax.bundle.names import HALVED, PARTS, PREDICTORS, STAGES
from audiolm_jax.bundle.parts import Part
from audiolm_jax.bundle.predictors import LanguageModel, ParallelModel
from audiolm_jax.classifier.clips import ClipClassifier
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.stages import TRAITS
from audiolm_jax.tokens.tokenizers.clusters import ClusterTokenizer
from audiolm_jax.tokens.tokenizers.codec import CodecTokenizer
from audiolm_jax.tokens.tokenizers.codes import CodeTokenizer
from audiolm_jax.tokens.tokenizers.contract import Tokenizers
from audiolm_jax.tokens.tokenizers.resampled import Resampled


class Bundle(publishing.Published):
  """Tokenizers and what predicts their tokens, in parts that fit each other.

  A bundle may hold some parts only: the tokenizers are enough to extract
  tokens. Asking for a part that is not there raises a UserError.
  """

  def __init__(
      self,
      bundled: Mapping[str, Part],
      where: str = 'The bundle',
      kept: str = 'full',
      trusted: bool = False,
      folder: pathlib.Path | None = None,
  ):
    """Checks that the parts belong together.

    Args:
      bundled: Parts by name.
      where: Names the bundle in messages.
      kept: Type that the sampler keeps the stages' matrices in
        (weight_types.TYPES of lm.sampling); fewer bytes are read faster, and
        change what is drawn.
      trusted: Whether the arrays are known to be those of their modules. They
        are looked at otherwise, which takes half a second a part.
      folder: Folder that the parts were read from, or None.

    Raises:
      UserError: Two parts do not fit; both are named.
    """
    self.parts = {name: bundled[name] for name in PARTS if name in bundled}
    self.where, self.kept, self._trusted = where, kept, trusted
    self.folder = folder
    for name in self.parts:
      if name in PREDICTORS:
        self._check_fit(name)

  @classmethod
  def load(
      cls, path_or_name: str | os.PathLike, kept: str = 'full'
  ) -> 'Bundle':
    """Reads a folder, a bundle of the package or one on the hub.

    Args:
      path_or_name: A folder, `speech`, `piano` or another bundle that comes
        with the package, or hf://ORG/NAME or hf://ORG/NAME@REVISION on the
        Hugging Face hub (extra `hub`).
      kept: Type that the stages' matrices are kept in, as in `__init__`.

    Raises:
      UserError: There is no such bundle, it is damaged or cannot be downloaded.
    """
    folder = bundle_folder.find(path_or_name)
    return cls(
        bundle_folder.read(folder),
        str(path_or_name),
        kept,
        bundle_folder.is_shipped(folder),
        folder,
    )

  def save(
      self,
      folder: str | os.PathLike,
      model_card: str,
      float16: Collection[str] = HALVED,
      int8: Collection[str] = (),
  ) -> None:
    """Writes the folder; parts take half the room, or with `int8` a quarter.

    Rounding gives a tokenizer another fingerprint, and other tokens: do it
    before tokens are extracted with it, or not at all.
    """
    bundle_folder.write(folder, self.parts, model_card, float16, int8)

  @property
  def tokenizers(self) -> Tokenizers:
    """Both tokenizers."""
    return Tokenizers(self.semantic, self.acoustic)

  @functools.cached_property
  def acoustic(self) -> CodecTokenizer:
    """Waveform to codes and back."""
    name = 'acoustic_tokenizer'
    return tokenizers.acoustic(self._module(name), self._part(name))

  @functools.cached_property
  def semantic(self) -> ClusterTokenizer | CodeTokenizer | Resampled:
    """Waveform to semantic ids; it hears the rate of the codec beside it."""
    name = 'semantic_tokenizer'
    part = self._part(name)
    tokenizer = tokenizers.semantic(self._module(name), part, self.where)
    if 'acoustic_tokenizer' in self.parts:
      rate = self.acoustic.sample_rate
      if rate != tokenizer.sample_rate:
        return Resampled(tokenizer, rate)
    return tokenizer

  @functools.cached_property
  def language_models(self) -> dict[str, LanguageModel]:
    """The language models of the bundle, by stage."""
    return {
        name: LanguageModel(**self._predictor(name), kept=self.kept)
        for name in self.parts
        if name in STAGES
    }

  def language_model(self, name: str) -> LanguageModel:
    """The language model of a stage."""
    self._part(name)
    return self.language_models[name]

  @functools.cached_property
  def soundstorm(self) -> ParallelModel:
    """The model that makes all acoustic levels in few passes."""
    return ParallelModel(**self._predictor('soundstorm'))

  @property
  def temperatures(self) -> dict[str, float]:
    """Temperatures that parts are best sampled at, where the bundle says so."""
    return {
        name: part.config['temperature']
        for name, part in self.parts.items()
        if part.config.get('temperature') is not None
    }

  @functools.cached_property
  def classifier(self) -> ClipClassifier:
    """The classifier of speakers, or of originals."""
    arrays = self._part('classifier').arrays
    return ClipClassifier(self._module('classifier'), arrays)

  @functools.cached_property
  def fingerprint(self) -> str:
    """12 hex digits that change with any weight or configuration."""
    digest = hashlib.sha256()
    for name, part in self.parts.items():
      digest.update(json.dumps([name, part.config], sort_keys=True).encode())
      for path, leaf in parts.flat(part.arrays).items():
        digest.update(path.encode() + leaf.tobytes())
    return digest.hexdigest()[:12]

  def _part(self, name: str) -> Part:
    if name not in self.parts:
      raise UserError(
          f'{self.where} has no part {name}; it has'
          f' {", ".join(self.parts) or "none"}.'
      )
    return self.parts[name]

  def _module(self, name: str) -> nn.Module:
    config, arrays = self._part(name)
    module = parts.build(config)
    if not self._trusted:
      where = f'{name} of {self.where}'
      fitting.check(config['kind'], module, arrays, where)
    return module

  def _predictor(self, name: str) -> dict[str, Any]:
    config, arrays = self._part(name)
    return {
        'stage': Stage.from_config(config['stage']),
        'model': self._module(name),
        'params': arrays['params'],
        'crop_seconds': config['crop_seconds'] or TRAITS[name].crop_seconds,
    }

  def _check_fit(self, name: str) -> None:
    config = self.parts[name].config
    learnt = config.get('tokenizers', {})
    for field in Stage.from_config(config['stage']).fields:
      part = f'{field.source}_tokenizer'
      if part not in self.parts:
        continue
      tokenizer = getattr(self, field.source)
      wanted = learnt.get(field.source)
      if wanted in (None, tokenizer.fingerprint):
        if tokenizers.fits(field, tokenizer):
          continue
      raise UserError(
          f'{self.where}: {name} learnt the tokens of {part}'
          f' {wanted or "(unknown)"}, {field.codebook_size} codes at'
          f' {field.frames_per_second:g} Hz up to level {field.levels.stop};'
          f' the {part} beside it is {tokenizer.fingerprint}. Bundle parts of'
          ' the same run.'
      )


def load_tokenizers(path_or_name: str) -> Tokenizers:
  """Loads a bundle's tokenizers; workers elsewhere can import and call this."""
  return Bundle.load(path_or_name).tokenizers
