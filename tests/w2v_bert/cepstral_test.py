import jax.numpy as jnp
import numpy as np
import scipy.fft

from audiolm_jax.w2v_bert import cepstral


def log_mels(num_frames=12, seed=0):
  shape = (2, 4 * num_frames, 20)
  mel = np.random.default_rng(seed).normal(size=shape).cumsum(axis=1)
  return jnp.asarray(mel, jnp.float32), jnp.ones((2, num_frames), bool)


def test_first_half_is_scipys_cosine_transform_standardized():
  mel, valid = log_mels()
  frames = np.asarray(mel).reshape(2, 12, 4, 20).mean(axis=2)
  expected = scipy.fft.dct(frames, norm=None)[..., :13]
  expected = expected - expected.mean(axis=1, keepdims=True)
  expected /= expected.std(axis=1, keepdims=True)
  found = cepstral.envelope(mel, valid)[..., :13]
  np.testing.assert_allclose(found, expected, atol=0.02)


def test_a_filter_or_a_gain_on_the_clip_changes_nothing():
  mel, valid = log_mels()
  # A fixed filter adds to log-mels.
  filtered = mel + jnp.linspace(-2, 3, 20)[None, None]
  np.testing.assert_allclose(
      cepstral.envelope(filtered, valid),
      cepstral.envelope(mel, valid),
      atol=1e-3,
  )


def test_padding_does_not_enter_mean_and_deviation():
  mel, _ = log_mels()
  valid = jnp.arange(12)[None] < jnp.array([12, 7])[:, None]
  louder = mel.at[1, 4 * 8 :].set(50.0)
  one, two = (cepstral.envelope(x, valid)[1, :6] for x in (mel, louder))
  np.testing.assert_allclose(one, two, atol=1e-4)


def test_pitch_does_not_hear_the_envelope_but_the_partials():
  mel, valid = log_mels()
  tilted = mel + jnp.linspace(-2, 3, 20)[None, None]
  moved = jnp.roll(mel, 1, axis=-1)
  found, same, other = (cepstral.pitch(x, valid) for x in (mel, tilted, moved))
  size = jnp.abs(found).mean()
  assert jnp.abs(same - found).mean() < 0.15 * size
  assert jnp.abs(other - found).mean() > 0.5 * size
