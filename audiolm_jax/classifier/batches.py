"""Batches of labelled crops, as they may reach a listener."""

import collections
from collections.abc import Sequence

import numpy as np

from audiolm_jax.classifier import distortions, labels
from audiolm_jax.classifier.distortions import Chance
from audiolm_jax.corpus import AudioBatches, Clip
from audiolm_jax.errors import UserError


class LabelledBatches(AudioBatches):
  """AudioBatches with 'label', every class as often as any other.

  Batch n depends on the seed and on n only, its distortions included.
  """

  def __init__(
      self,
      clips: Sequence[Clip],
      classes: Sequence[str],
      field: str,
      sample_rate: int,
      crop_seconds: float,
      batch_size: int,
      seed: int,
      chances: Sequence[Chance] = distortions.TRAINING,
      shard_index: int = 0,
      num_shards: int = 1,
  ):
    """Opens the corpus.

    Args:
      clips: Clips to draw from.
      classes: Labels in the order of their numbers.
      field: Name of the clips' field that holds the label.
      sample_rate: In Hz.
      crop_seconds: Length of a crop.
      batch_size: Over all hosts.
      seed: Seed of crops and distortions.
      chances: Chances of each distortion; () leaves the clips as they are.
      shard_index: Number of this host, from 0.
      num_shards: Hosts that share every batch.

    Raises:
      UserError: A clip has another label, or none.
    """
    super().__init__(
        clips,
        sample_rate,
        crop_seconds,
        batch_size,
        seed,
        shard_index,
        num_shards,
        _balanced(clips, classes, field),
    )
    self._numbers = {name: number for number, name in enumerate(classes)}
    self._field, self._chances = field, chances

  def _batch(self, step: int) -> dict[str, np.ndarray]:
    crops = self._crops(step)
    samples = [
        distortions.augmented(
            crop.samples,
            self._sample_rate,
            # The third number keeps it apart from the stream of the crops.
            np.random.default_rng((self._seed, step, 1 + row)),
            self._chances,
        )
        for row, crop in enumerate(crops, start=self._rows.start)
    ]
    label = [
        self._numbers[labels.of_clip(crop.clip, self._field)] for crop in crops
    ]
    return self._stack(samples) | {'label': np.array(label, np.int32)}


def _balanced(
    clips: Sequence[Clip], classes: Sequence[str], field: str
) -> list[float]:
  """Seconds of each clip as a share of those of its class."""
  found = [labels.of_clip(clip, field) for clip in clips]
  if unknown := sorted(set(found) - set(classes)):
    raise UserError(
        f'{unknown[0]} is no class of this classifier ({", ".join(classes)});'
        f' look at {field} in the manifest.'
    )
  seconds = collections.Counter()
  for clip, label in zip(clips, found, strict=True):
    seconds[label] += clip.seconds
  return [
      clip.seconds / seconds[label]
      for clip, label in zip(clips, found, strict=True)
  ]
