"""Frames that ABX compares: what lies under a bundle's tokens (s. IV-B)."""

import numpy as np
from jaxtyping import Float

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.evaluation.metrics import reconstruction
from audiolm_jax.evaluation.metrics.tokens_meaning import FrameFeatures
from audiolm_jax.evaluation.subjects import clips
from audiolm_jax.evaluation.subjects.clips import LoadedClips
from audiolm_jax.evaluation.subjects.tokenizers import Tokenized


def of_tokens(bundle: Bundle, tokenized: Tokenized) -> dict[str, FrameFeatures]:
  """Semantic features, their centroids, and the codec's quantized vectors."""
  loaded = tokenized.loaded
  semantic, acoustic = bundle.semantic, bundle.acoustic
  centroids = semantic.centroids[tokenized.semantic]
  frames = {
      'semantic features': (_features(bundle, loaded), semantic.hop_length),
      'semantic centroids': (centroids, semantic.hop_length),
  }
  for count in reconstruction.levels_to_keep(acoustic.num_quantizers):
    embedded = acoustic.embed(tokenized.acoustic[..., :count])
    name = f'codec, {count} level{"s" * (count > 1)}'
    frames[name] = embedded, acoustic.hop_length
  return {
      name: FrameFeatures(
          loaded.frames(values, hop_length), hop_length / loaded.sample_rate
      )
      for name, (values, hop_length) in frames.items()
  }


def _features(
    bundle: Bundle, loaded: LoadedClips
) -> Float[np.ndarray, 'B T D']:
  hop = bundle.semantic.hop_length
  return clips.in_batches(
      'Semantic features',
      bundle.semantic.features,
      loaded.waveforms,
      # The tokenizer rounds a clip up to whole frames.
      -(-loaded.lengths // hop) * hop,
  )
