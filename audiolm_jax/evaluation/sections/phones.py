"""Table I of `audiolm evaluate`: tokens, their phones and how they sound."""

import itertools
import math
from collections.abc import Hashable, Sequence

from audiolm_jax import audio
from audiolm_jax.audio import Sound
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.corpus import Clip
from audiolm_jax.evaluation.metrics import abx, labels, triphones
from audiolm_jax.evaluation.metrics.triphones import Speech, Triphone
from audiolm_jax.evaluation.sections import token_quality
from audiolm_jax.evaluation.sections.measuring import Findings
from audiolm_jax.evaluation.sections.token_quality import Tokens
from audiolm_jax.evaluation.subjects import (
    abx_items,
    clips,
    comparison,
    embeddings,
    tokenizers,
)
from audiolm_jax.evaluation.subjects.clips import LoadedClips
from audiolm_jax.evaluation.subjects.comparison import AUTOREGRESSIVE
from audiolm_jax.evaluation.subjects.tokenizers import Tokenized
from audiolm_jax.evaluation.tables import Cell

# Whose frames are compared, as embeddings.of_tokens names them.
_FEATURES, _CENTROIDS = 'semantic features', 'semantic centroids'


def of_labels(
    findings: Findings,
    bundle: Bundle,
    labelled: Sequence[Clip],
    num_clips: int,
    max_seconds: float,
    seed: int,
) -> None:
  """Adds findings about clips that have a file of their phones beside them."""
  chosen = clips.choose(labelled, num_clips)
  loaded = _load(bundle, chosen, max_seconds)
  found = itertools.chain.from_iterable(
      triphones.of_clip(
          Speech(labels.read(clip.labels), _speaker(clip), clip.source), place
      )
      for place, clip in enumerate(chosen)
  )
  _measure(findings, bundle, loaded, list(found), seed)


def of_items(
    findings: Findings,
    bundle: Bundle,
    path: str,
    folder: str,
    seed: int,
) -> None:
  """Adds findings about the clips of an item file (Libri-Light, ZeroSpeech)."""
  items = abx_items.read(path)
  chosen = [
      Clip(str(file), audio.duration(file), '', 'items', '')
      for file in abx_items.locate(items, folder)
  ]
  longest = max(clip.seconds for clip in chosen)
  loaded = _load(bundle, chosen, longest)
  _measure(findings, bundle, loaded, items.triphones, seed)


def _speaker(clip: Clip) -> Hashable:
  return clip.speaker or clip.source


def _load(
    bundle: Bundle, chosen: Sequence[Clip], max_seconds: float
) -> LoadedClips:
  hop = math.lcm(bundle.acoustic.hop_length, bundle.semantic.hop_length)
  return clips.load(chosen, bundle.acoustic.sample_rate, max_seconds, hop)


def _measure(
    findings: Findings,
    bundle: Bundle,
    loaded: LoadedClips,
    found: Sequence[Triphone],
    seed: int,
) -> None:
  tokenized = tokenizers.tokenize(bundle.semantic, bundle.acoustic, loaded)
  frames = embeddings.of_tokens(bundle, tokenized)
  acoustic, semantic = bundle.acoustic, bundle.semantic
  levels = _levels(bundle)
  bitrates: dict[str, float | None] = {
      _FEATURES: None,
      _CENTROIDS: token_quality.bitrate(
          semantic.sample_rate / semantic.hop_length, semantic.codebook_size
      ),
  }
  for count in levels:
    bitrates[_codec(count)] = token_quality.bitrate(
        acoustic.sample_rate / acoustic.hop_length,
        acoustic.codebook_size,
        count,
    )
  sounds = _sounds(bundle, tokenized, levels, seed)
  rows = [
      Tokens(
          name,
          rate,
          *abx.figures(
              frames[name].features, found, 1 / frames[name].frame_seconds, seed
          ),
          sounds.get(name),
      )
      for name, rate in bitrates.items()
  ]
  source = f'{len(loaded.clips)} clips, {loaded.seconds:.0f} s.'
  findings.tables.append(token_quality.table(rows, source))


def _levels(bundle: Bundle) -> list[int]:
  """The coarse stage's levels, and all: 2000 and 6000 bit/s in the paper."""
  levels = {bundle.acoustic.num_quantizers}
  if 'coarse' in bundle.language_models:
    levels.add(bundle.language_model('coarse').stage.target.levels.stop)
  return sorted(levels)


def _codec(count: int) -> str:
  return f'codec, {count} level{"s" * (count > 1)}'


def _sounds(
    bundle: Bundle, tokenized: Tokenized, levels: Sequence[int], seed: int
) -> dict[str, Cell]:
  """ViSQOL of what is decoded; of semantic tokens by the acoustic stages.

  The paper trained a decoder to invert semantic tokens; the stages are ours.
  """
  loaded = tokenized.loaded
  originals = loaded.trimmed()
  speakers = [_speaker(clip) for clip in loaded.clips]
  estimates = {}
  for count in levels:
    decoded = clips.in_batches(
        'Decoding', bundle.acoustic.decode, tokenized.acoustic[..., :count]
    )
    pairs = zip(decoded, loaded.lengths, strict=True)
    estimates[_codec(count)] = [row[:length] for row, length in pairs]
  lms = comparison.models(bundle, None)
  if AUTOREGRESSIVE in lms:
    estimates[_CENTROIDS] = comparison.regenerate(
        lms[AUTOREGRESSIVE], originals, clips.BATCH_SIZE, seed
    )
  rate = loaded.sample_rate
  return {
      name: token_quality.visqol(
          [
              Sound(x[: len(y)], rate)
              for x, y in zip(originals, made, strict=True)
          ],
          [Sound(y, rate) for y in made],
          speakers,
          seed,
      )
      for name, made in estimates.items()
  }
