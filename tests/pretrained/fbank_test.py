"""Log-mels against transformers' extractor."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.pretrained import fbank

from . import speech_models

pytest.importorskip('torch')
pytest.importorskip('transformers')

features = jax.jit(fbank.features, static_argnums=(2, 3))


@pytest.mark.parametrize('settings', [(80, 16000), (24, 8000)])
def test_the_features_are_those_of_the_extractor(settings):
  clips = speech_models.sounds(8000, 6405, 5600, 2000)
  ours = features(*speech_models.batch(clips, 320, 30), *settings)
  assert ours.shape == (4, 30, 2 * settings[0])
  for clip, row in zip(clips, np.asarray(ours), strict=True):
    expected = speech_models.extracted(clip, *settings)
    # The extractor leaves out the last windows, which would need zeros.
    assert 0 < -(-len(clip) // 320) - len(expected) <= 2
    assert len(expected) == fbank.num_whole(jnp.array([len(clip)]))[0]
    error = np.abs(row[: len(expected)] - expected).max()
    print(f'{len(clip)} samples: {error:.1e}')
    assert error < 1e-3


def test_silence_and_a_few_samples_are_finite():
  clips = [np.zeros(3200, np.float32), np.ones(3, np.float32)]
  ours = features(*speech_models.batch(clips, 320), 80, 16000)
  assert np.isfinite(ours).all()


def test_a_window_without_a_sample_is_zero():
  clips = speech_models.sounds(6400 + 100)
  ours = np.asarray(features(*speech_models.batch(clips, 320, 24), 80, 16000))
  assert ours[0, 20, :80].any() and not ours[0, 20, 80:].any()
  assert not ours[0, 21:].any()
