"""Folders as training runs leave them, with tiny untrained models."""

import pathlib

import jax.numpy as jnp
import numpy as np

from audiolm_jax import audio, corpus
from audiolm_jax.bundle.parts import Part
from audiolm_jax.corpus import Clip
from audiolm_jax.training.checkpoints.checkpoints import Checkpoints
from audiolm_jax.training.state import TrainState


def save(folder: pathlib.Path, part: Part) -> pathlib.Path:
  """Saves a part as the checkpoint that it could have come from."""
  params, mutables = part.arrays['params'], {}
  if part.config['kind'] == 'soundstream':
    params = {'generator': params, 'discriminator': {'w': jnp.ones(2)}}
    mutables = {'codebooks': {'vectors': part.arrays['codebooks']}}
  if part.config['kind'] == 'classifier':
    mutables = {'batch_stats': part.arrays['batch_stats']}
  config = {name: part.config[name] for name in part.config if name != 'layer'}
  with Checkpoints(str(folder)) as checkpoints:
    state = TrainState(jnp.int32(1), params, {}, mutables)
    checkpoints.save(1, state, {}, config)
  return folder


def write_corpus(folder: pathlib.Path, num_clips: int = 4) -> pathlib.Path:
  """Clips of noise from half a second on, and their manifest."""
  folder.mkdir()
  clips = []
  for index in range(num_clips):
    path = folder / f'{index}.wav'
    seconds = 0.5 + 0.25 * index
    waveform = np.random.default_rng(index).normal(size=round(16000 * seconds))
    audio.write(path, 0.1 * waveform, 16000)
    split = 'dev' if index == 0 else 'train'
    clips.append(Clip(str(path), seconds, split, 'noise', 'CC0-1.0'))
  corpus.write_manifest(folder / 'manifest.jsonl', clips)
  return folder / 'manifest.jsonl'
