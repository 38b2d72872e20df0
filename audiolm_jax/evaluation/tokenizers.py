"""What held-out clips tell about a pair of tokenizers."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from audiolm_jax.evaluation import (
    abx,
    clips,
    clusters,
    labels,
    mel,
    reconstruction,
    tokens_meaning,
)
from audiolm_jax.evaluation.clips import LoadedClips
from audiolm_jax.evaluation.fidelity import Metric
from audiolm_jax.evaluation.tokens_meaning import FrameFeatures, FrameIds
from audiolm_jax.tokens.tokenizers import AcousticTokenizer, SemanticTokenizer
from audiolm_jax.w2v_bert import kmeans


class Tokenized(NamedTuple):
  """Clips and their tokens."""

  loaded: LoadedClips
  semantic: Int[np.ndarray, 'B T']
  acoustic: Int[np.ndarray, 'B T2 Q']


class Codec(NamedTuple):
  """What the acoustic tokenizer keeps, and which codes it uses."""

  reconstruction: reconstruction.Reconstruction
  codebooks: reconstruction.CodebookUse


class Meaning(NamedTuple):
  """What frames tell about labels, by kind of token and of feature."""

  meaning: dict[str, clusters.Meaning]
  abx: dict[str, abx.Abx]


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
          np.concatenate(frames), acoustic.codebook_size
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

  Args:
    semantic: Whose ids and K.
    acoustic: Whose first level is a third candidate, at its own frame rate.
    tokenized: Held-out clips, all with labels.
    training: What the MFCCs' k-means is fitted on.
    features: Further frames of the held-out clips, for ABX alone.
  """
  loaded = tokenized.loaded
  hop = semantic.hop_length
  seconds = hop / loaded.sample_rate
  cepstra = cepstra_of(loaded, hop)
  clustered = kmeans.fit(
      cepstra_of(training, hop), semantic.codebook_size, seed=0
  )
  mfcc_ids = _assign(cepstra, clustered)
  codes = loaded.frames(tokenized.acoustic[..., 0], acoustic.hop_length)
  ids = {
      f'semantic tokens, K = {semantic.codebook_size}': FrameIds(
          loaded.frames(tokenized.semantic, hop), seconds
      ),
      f'k-means of MFCCs, K = {semantic.codebook_size}': FrameIds(
          mfcc_ids, seconds
      ),
      f"codec's first level, K = {acoustic.codebook_size}": FrameIds(
          codes, acoustic.hop_length / loaded.sample_rate
      ),
  }
  intervals = [labels.read(clip.labels) for clip in loaded.clips]
  speakers = [clip.speaker or clip.source for clip in loaded.clips]
  normalized = [(x - clustered.mean) / clustered.std for x in cepstra]
  centroids = [np.asarray(clustered.centroids)[ids] for ids in mfcc_ids]
  frames = {
      **features,
      'MFCCs': FrameFeatures(normalized, seconds),
      'MFCC centroids': FrameFeatures(centroids, seconds),
  }
  return Meaning(
      tokens_meaning.meaning(ids, intervals),
      tokens_meaning.abx_within(frames, intervals, speakers),
  )


def _assign(
    clips_frames: list[Float[np.ndarray, '_ D']], clustered: kmeans.KMeans
) -> list[Int[np.ndarray, ' _']]:
  """Ids of each clip; all at once, as each length would compile anew."""
  ids = kmeans.assign(np.concatenate(clips_frames), clustered)
  ends = np.cumsum([len(frames) for frames in clips_frames])
  return np.split(np.asarray(ids), ends[:-1])


def cepstra_of(
    loaded: LoadedClips, hop_length: int
) -> list[Float[np.ndarray, 'T D']]:
  """MFCCs with their differences at a tokenizer's frame rate."""
  return [
      mel.mfcc_with_deltas(waveform, loaded.sample_rate, hop_length)
      for waveform in loaded.trimmed()
  ]
