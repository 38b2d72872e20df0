"""Writes a set of TFDS, as the flags of `audiolm corpus tfds` say."""

import os
import pathlib
import socket
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import soxr
import tensorflow_datasets as tfds
from absl import flags
from jaxtyping import Float

from audiolm_jax import audio
from audiolm_jax.adapters.recording import SAMPLE_RATE, finish, write_flac
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError

# Names that data sets have for the same thing.
_TEXT = ('text_normalized', 'text', 'transcript', 'sentence')
# Where TFDS looks first.
_PREPARED_SETS = 'storage.googleapis.com'
_SPEAKER = ('speaker_id', 'speaker', 'client_id')


def main(argv: list[str], values: flags.FlagValues) -> None:
  builder = _builder(values.dataset, values.data_dir)
  out = pathlib.Path(argv[1])
  clips = []
  for pair in values.splits:
    ours, separator, theirs = pair.partition('=')
    if not separator:
      raise UserError(f'--splits wants OURS=THEIRS, not {pair!r}.')
    clips += _convert(values, builder, out / ours, theirs)
  finish(out / 'manifest.jsonl', clips)


def _convert(
    values: flags.FlagValues, builder, folder: pathlib.Path, split: str
) -> list[Clip]:
  """Writes one split; files are named by their number in it."""
  name, sample_rate = _audio_feature(builder.info, values.sample_rate)
  licence = values.licence or builder.info.redistribution_info.license
  clips = []
  for number, example in enumerate(_examples(builder, split)):
    path = folder / f'{number:07d}.flac'
    if path.exists():
      seconds = audio.duration(path)
    else:
      waveform = _waveform(example[name], sample_rate)
      seconds = write_flac(path, waveform)
    clips.append(
        Clip(
            path=str(path),
            seconds=seconds,
            split=folder.name,
            source=builder.name,
            licence=licence or 'unknown',
            speaker=_first(example, _SPEAKER),
            transcript=_first(example, _TEXT),
        )
    )
  return clips


def _builder(name: str, data_dir: str | None):
  try:
    builder = tfds.builder(name, data_dir=data_dir)
  except tfds.core.DatasetNotFoundError as error:
    raise UserError(f'TFDS has no data set {name!r}.') from error
  _check_network(builder, data_dir)
  try:
    builder.download_and_prepare()
  # Some sets assert that the user has put files in a folder.
  except (OSError, AssertionError, tfds.download.DownloadError) as error:
    raise UserError(
        f'TFDS cannot prepare {name}: {_one_line(error)}'
    ) from error
  return builder


def _check_network(builder, data_dir: str | None) -> None:
  """Asks for one name before TFDS retries every file for minutes.

  Raises:
    UserError: A download is needed and there is no network.
  """
  root = data_dir or tfds.core.constants.DATA_DIR
  there = (builder.data_dir, os.path.join(root, 'downloads'))
  if any(map(os.path.exists, there)) or urllib.request.getproxies():
    return
  if not type(builder).__module__.startswith('tensorflow_datasets.'):
    return  # A user's own may be made of what is here.
  try:
    socket.getaddrinfo(_PREPARED_SETS, 443)
  except OSError as error:
    raise UserError(
        f'TFDS must download {builder.name} and there is no network'
        f' ({error.strerror}); copy a folder of prepared sets here and name it'
        ' with --data_dir.'
    ) from error


def _one_line(error: BaseException) -> str:
  return ' '.join(str(error).split())


def _examples(builder, split: str) -> Iterator[Mapping[str, Any]]:
  """In the order of the files on disk, which does not change."""
  try:
    data = builder.as_dataset(split=split, shuffle_files=False)
  except ValueError as error:
    raise UserError(
        f'{builder.name} has no split {split!r}; it has'
        f' {sorted(builder.info.splits)}.'
    ) from error
  return iter(tfds.as_numpy(data))


def _audio_feature(info, asked_rate: int | None) -> tuple[str, int]:
  """Name and sample rate of the feature that is sound."""
  for name, feature in info.features.items():
    if isinstance(feature, tfds.features.Audio):
      rate = asked_rate or feature.sample_rate
      if not rate:
        raise UserError(
            f'{info.name} does not say its sample rate; give --sample_rate, in'
            ' Hz.'
        )
      return name, rate
  raise UserError(f'{info.name} has no audio, only {sorted(info.features)}.')


def _waveform(samples: np.ndarray, sample_rate: int) -> Float[np.ndarray, ' N']:
  """Integers are 16 bit in TFDS; stereo has its channels last."""
  waveform = samples.astype(np.float32)
  if np.issubdtype(samples.dtype, np.integer):
    waveform /= 2**15
  if waveform.ndim == 2:
    waveform = waveform.mean(axis=1)
  return soxr.resample(waveform, sample_rate, SAMPLE_RATE)


def _first(example: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
  for name in names:
    if name in example:
      value = example[name]
      return value.decode() if isinstance(value, bytes) else str(value)
  return None
