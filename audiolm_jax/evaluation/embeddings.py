"""Frames that ABX compares: what lies under a bundle's tokens (s. IV-B)."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from audiolm_jax import parts
from audiolm_jax.bundle import Bundle
from audiolm_jax.evaluation import clips
from audiolm_jax.evaluation.clips import LoadedClips
from audiolm_jax.evaluation.tokenizers import Tokenized
from audiolm_jax.evaluation.tokens_meaning import FrameFeatures
from audiolm_jax.soundstream import quantizer

# AudioLM's coarse levels, the 2000 bit/s of its Table I.
NUM_COARSE = 4


def of_tokens(bundle: Bundle, tokenized: Tokenized) -> dict[str, FrameFeatures]:
  """Semantic features, their centroids, and the codec's quantized vectors."""
  loaded = tokenized.loaded
  semantic, acoustic = bundle.semantic, bundle.acoustic
  kmeans = bundle.parts['w2v_bert'].arrays['kmeans']
  vectors = jnp.asarray(bundle.parts['soundstream'].arrays['codebooks'])
  codes = jnp.asarray(tokenized.acoustic)
  centroids = np.asarray(kmeans['centroids'])[tokenized.semantic]
  frames = {
      'semantic features': (_features(bundle, loaded), semantic.hop_length),
      'semantic centroids': (centroids, semantic.hop_length),
  }
  for count in sorted({min(NUM_COARSE, len(vectors)), len(vectors)}):
    decoded = quantizer.decode(codes[..., :count], vectors)
    name = f'codec, {count} levels'
    frames[name] = np.asarray(decoded), acoustic.hop_length
  return {
      name: FrameFeatures(
          loaded.frames(values, hop_length), hop_length / loaded.sample_rate
      )
      for name, (values, hop_length) in frames.items()
  }


def _features(
    bundle: Bundle, loaded: LoadedClips
) -> Float[np.ndarray, 'B T D']:
  """Normalized as k-means sees them."""
  part = bundle.parts['w2v_bert']
  model = parts.build(part.config)
  kmeans = part.arrays['kmeans']

  @jax.jit
  def features(
      params: PyTree, waveforms: Float[Array, 'B N'], lengths: Int[Array, ' B']
  ) -> Float[Array, 'B T D']:
    return model.apply(
        {'params': params},
        waveforms,
        lengths,
        part.config['layer'],
        method='features',
    )

  hop = bundle.semantic.hop_length
  raw = clips.in_batches(
      'Semantic features',
      lambda *batch: features(part.arrays['params'], *batch),
      loaded.waveforms,
      # The tokenizer rounds a clip up to whole frames.
      -(-loaded.lengths // hop) * hop,
  )
  return (raw - kmeans['mean']) / kmeans['std']
