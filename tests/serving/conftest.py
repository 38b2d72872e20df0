"""A tiny model, and a server that has it."""

import pytest
import soundfile
import tiny

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.serving.model import Model


@pytest.fixture(scope='session')
def model():
  classifier = Bundle({'classifier': tiny.classifier()}).classifier
  return Model(tiny.bundle(), classifier)


@pytest.fixture(scope='session')
def recording(tmp_path_factory):
  """Path of a WAV of a second."""
  path = tmp_path_factory.mktemp('recording') / 'noise.wav'
  soundfile.write(path, tiny.noise(1, 1.0)[0], 16000)
  return path
