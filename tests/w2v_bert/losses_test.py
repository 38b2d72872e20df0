import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.w2v_bert import losses


def test_contrastive_loss_is_the_cross_entropy_of_choosing_the_target():
  random = np.random.default_rng(0)
  context, targets = random.normal(size=(2, 1, 4, 6)).astype(np.float32)
  masked = np.array([[True, True, False, True]])
  distractors = (masked[:, None] & masked[:, :, None]) & ~np.eye(4, dtype=bool)
  loss, accuracy = losses.contrastive(
      jnp.asarray(context),
      jnp.asarray(targets),
      jnp.asarray(masked),
      jnp.asarray(distractors),
      temperature=0.5,
  )
  norms = np.linalg.norm(np.stack([context[0], targets[0]]), axis=-1)
  scores = context[0] @ targets[0].T / np.outer(*norms) / 0.5
  rows = [0, 1, 3]
  among = scores[np.ix_(rows, rows)]
  expected = np.log(np.exp(among).sum(axis=1)) - np.diagonal(among)
  np.testing.assert_allclose(loss, expected.mean(), rtol=1e-4)
  hits = among.argmax(axis=1) == np.arange(3)
  np.testing.assert_allclose(accuracy, hits.mean())


def test_a_lone_masked_frame_teaches_nothing_and_breaks_nothing():
  x = jax.random.normal(jax.random.key(0), (1, 5, 3))
  masked = jnp.arange(5)[None] == 2
  nobody = jnp.zeros((1, 5, 5), bool)

  def loss(x):
    return losses.contrastive(x, x, masked, nobody)[0]

  value, gradient = jax.value_and_grad(loss)(x)
  assert value == 0
  assert not gradient.any()


@pytest.mark.parametrize(
    'logits, expected',
    [(jnp.eye(8), 0.0), (jnp.ones((8, 8)).at[:, 0].set(2), 7 / 8)],
)
def test_diversity_loss_is_zero_for_even_use_and_high_in_collapse(
    logits, expected
):
  probabilities = jax.nn.softmax(100 * logits)[None]
  value = losses.diversity(probabilities, jnp.ones((1, 8), bool))
  np.testing.assert_allclose(value, expected, atol=1e-3)


def test_perplexity_counts_codes_of_true_frames_only():
  used = jax.nn.one_hot(jnp.array([[0, 1, 2, 3, 3, 3]]), 8)
  valid = jnp.arange(6)[None] < 4
  value = losses.perplexity(losses.mean_choice(used, valid))
  np.testing.assert_allclose(value, 4, rtol=1e-4)


def test_masked_prediction_looks_at_masked_frames_only():
  ids = jnp.array([[0, 1, 2]])
  logits = 20 * jax.nn.one_hot(jnp.array([[0, 2, 0]]), 3)
  right = losses.masked_prediction(
      logits, ids, jnp.array([[True, False, False]])
  )
  wrong = losses.masked_prediction(
      logits, ids, jnp.array([[False, True, True]])
  )
  np.testing.assert_allclose(right, (0, 1), atol=1e-4)
  np.testing.assert_allclose(wrong, (20, 0), atol=1e-4)
