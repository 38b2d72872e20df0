"""Measures of a pair of tokenizers on held-out clips."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from audiolm_jax.evaluation.metrics import (
    abx,
    clusters,
    labels,
    mel,
    reconstruction,
    tokens_meaning,
)
from audiolm_jax.evaluation.metrics.fidelity import Metric
from audiolm_jax.evaluation.metrics.tokens_meaning import (
    FrameFeatures,
    FrameIds,
)
from audiolm_jax.evaluation.metrics.triphones import Speech
from audiolm_jax.evaluation.subjects import clips
from audiolm_jax.evaluation.subjects.clips import LoadedClips
from audiolm_jax.nn import kmeans
from audiolm_jax.tokens.tokenizers.contract import (
    AcousticTokenizer,
    SemanticTokenizer,
)


class Tokenized(NamedTuple):
  """Clips and their tokens."""

  loaded: LoadedClips
  semantic: Int[np.ndarray, 'B T']
  acoustic: Int[np.ndarray, 'B T2 Q']


class Codec(NamedTuple):
  """Measures of what the acoustic tokenizer keeps, and of its codes' use."""

  reconstruction: reconstruction.Reconstruction
  codebooks: reconstruction.CodebookUse


class Meaning(NamedTuple):
  """Measures of what frames tell about labels, by kind of token and feature."""

  meaning: dict[str, clusters.Meaning]
  abx: dict[str, abx.Abx]


class MfccClusters(NamedTuple):
  """Clusters of MFCCs, at a tokenizer's K and frame rate: all without training.

  Attributes:
    features: Normalized MFCCs of each held-out clip.
    ids: Their nearest centroids.
    centroids: Centroids of k-means over other clips.
  """

  features: list[Float[np.ndarray, 'T D']]
  ids: list[Int[np.ndarray, ' T']]
  centroids: Float[np.ndarray, 'K D']


def tokenize(
    semantic: SemanticTokenizer,
    acoustic: AcousticTokenizer,
    loaded: LoadedClips,
) -> Tokenized:
  """Encodes clips whose padding is a multiple of both hops."""
  arrays = (loaded.waveforms, loaded.lengths)
  return Tokenized(
      loaded,
      clips.in_batches('Semantic tokens', semantic.encode, *arrays),
      clips.in_batches('Acoustic codes', acoustic.encode, *arrays),
  )


def evaluate_codec(
    acoustic: AcousticTokenizer,
    loaded: LoadedClips,
    num_decoded: int,
    metrics: Sequence[Metric],
) -> Codec:
  """Counts the codes of all clips; decodes and compares some."""
  codes = clips.in_batches(
      'Codes', acoustic.encode, loaded.waveforms, loaded.lengths
  )
  frames = loaded.frames(codes, acoustic.hop_length)
  few = clips.spread(len(codes), num_decoded)
  return Codec(
      reconstruction.evaluate(
          codes[few],
          lambda codes: clips.in_batches('Decoding', acoustic.decode, codes),
          loaded.waveforms[few],
          loaded.lengths[few],
          loaded.sample_rate,
          metrics,
      ),
      reconstruction.codebook_use(
          np.concatenate(frames),
          acoustic.codebook_size,
          acoustic.sample_rate / acoustic.hop_length,
      ),
  )


def evaluate_meaning(
    semantic: SemanticTokenizer,
    acoustic: AcousticTokenizer,
    tokenized: Tokenized,
    training: LoadedClips,
    features: Mapping[str, FrameFeatures],
) -> Meaning:
  """Compares tokens, and k-means of MFCCs at the same K, with labels.

  There is no ABX for notes, which overlap and make no triphones.

  Args:
    semantic: Tokenizer whose ids are compared and whose K is taken.
    acoustic: Tokenizer whose first level is a third candidate, at its own
      frame rate.
    tokenized: Held-out clips, all with labels.
    training: Clips that the MFCCs' k-means is fitted on.
    features: Further frames of the held-out clips, for ABX alone.
  """
  found = tokenized.loaded.clips
  intervals = [labels.read(clip.labels) for clip in found]
  spoken = [
      Speech(phones, clip.speaker or clip.source, clip.source)
      for phones, clip in zip(intervals, found, strict=True)
  ]
  mfccs = cluster_mfccs(
      training, tokenized.loaded, semantic.hop_length, semantic.codebook_size
  )
  seconds = semantic.hop_length / semantic.sample_rate
  baselines = {
      'MFCCs': mfccs.features,
      'MFCC centroids': [mfccs.centroids[ids] for ids in mfccs.ids],
  }
  frames = dict(features) | {
      name: FrameFeatures(values, seconds) for name, values in baselines.items()
  }
  ids = _ids(semantic, acoustic, tokenized, mfccs)
  played = all(map(labels.are_pitches, intervals))
  return Meaning(
      tokens_meaning.meaning(ids, intervals),
      {} if played else tokens_meaning.abx_errors(frames, spoken),
  )


def cluster_mfccs(
    training: LoadedClips,
    held_out: LoadedClips,
    hop_length: int,
    num_clusters: int,
) -> MfccClusters:
  """Fits k-means to the MFCCs of some clips and applies it to others."""
  fitted = kmeans.fit(_mfccs(training, hop_length), num_clusters, seed=0)
  frames = _mfccs(held_out, hop_length)
  # All at once: each length of its own would compile anew.
  ids = np.asarray(kmeans.assign(np.concatenate(frames), fitted))
  ends = np.cumsum([len(clip) for clip in frames])
  return MfccClusters(
      [(clip - fitted.mean) / fitted.std for clip in frames],
      np.split(ids, ends[:-1]),
      np.asarray(fitted.centroids),
  )


def _mfccs(
    loaded: LoadedClips, hop_length: int
) -> list[Float[np.ndarray, '_ D']]:
  return [
      mel.mfcc_with_deltas(waveform, loaded.sample_rate, hop_length)
      for waveform in loaded.trimmed()
  ]


def _ids(
    semantic: SemanticTokenizer,
    acoustic: AcousticTokenizer,
    tokenized: Tokenized,
    mfccs: MfccClusters,
) -> dict[str, FrameIds]:
  loaded = tokenized.loaded
  tokens = loaded.frames(tokenized.semantic, semantic.hop_length)
  codes = loaded.frames(tokenized.acoustic[..., 0], acoustic.hop_length)
  slow = semantic.hop_length / loaded.sample_rate
  fast = acoustic.hop_length / loaded.sample_rate
  size = semantic.codebook_size
  return {
      f'semantic tokens, K = {size}': FrameIds(tokens, slow),
      f'k-means of MFCCs, K = {size}': FrameIds(mfccs.ids, slow),
      f"codec's first level, K = {acoustic.codebook_size}": FrameIds(
          codes, fast
      ),
  }
