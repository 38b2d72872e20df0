"""Losses of w2v-BERT (s. 3), as means over the masked frames."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def contrastive(
    context: Float[Array, 'B T D'],
    targets: Float[Array, 'B T D'],
    masked: Bool[Array, 'B T'],
    distractors: Bool[Array, 'B T S'],
    temperature: float = 0.1,
) -> tuple[Float[Array, ''], Float[Array, '']]:
  """InfoNCE of each frame's context against its target and its distractors.

  Returns:
    The loss in nats and how often the true target is the most similar. Frames
    without a distractor have nothing to choose from and do not count.
  """
  similarity = jnp.einsum('btd,bsd->bts', _unit(context), _unit(targets))
  similarity = similarity / temperature
  positive = jnp.diagonal(similarity, axis1=1, axis2=2)
  others = jnp.where(distractors, similarity, -jnp.inf)
  # The positive joins its distractors on the diagonal.
  own = jnp.eye(similarity.shape[1], dtype=bool)[None]
  total = jax.nn.logsumexp(jnp.where(own, similarity, others), axis=-1)
  counted = masked & distractors.any(axis=-1)
  loss = mean_over(total - positive, counted)
  # Strictly: where all vectors have become alike, none is found.
  return loss, mean_over(positive > others.max(axis=-1), counted)


def diversity(probabilities: Float[Array, 'B T K'], valid: Bool[Array, 'B T']):
  """1 - perplexity / K of the batch's mean choice: 0 if all codes are used.

  1 - 1 / K is collapse: one code for all.
  """
  size = probabilities.shape[-1]
  return 1 - perplexity(mean_choice(probabilities, valid)) / size


def mean_choice(
    probabilities: Float[Array, 'B T K'], valid: Bool[Array, 'B T']
) -> Float[Array, ' K']:
  """Mean use of each code by the frames that count."""
  weights = valid.astype(jnp.float32)
  total = jnp.einsum('btk,bt->k', probabilities, weights)
  return total / jnp.maximum(weights.sum(), 1.0)


def perplexity(p: Float[Array, ' K']) -> Float[Array, '']:
  """exp of the entropy: how many codes are in use."""
  # Inside of the logarithm, so that codes nobody uses have a finite gradient.
  return jnp.exp(-(p * jnp.log(p + 1e-9)).sum())


def masked_prediction(
    logits: Float[Array, 'B T K'],
    ids: Int[Array, 'B T'],
    masked: Bool[Array, 'B T'],
) -> tuple[Float[Array, ''], Float[Array, '']]:
  """Cross-entropy in nats and accuracy of the masked frames' ids."""
  # In bfloat16 a loss would have two or three digits.
  log_probs = jax.nn.log_softmax(logits.astype(jnp.float32))
  chosen = jnp.take_along_axis(log_probs, ids[..., None], axis=-1)[..., 0]
  return mean_over(-chosen, masked), mean_over(
      logits.argmax(axis=-1) == ids, masked
  )


def mean_over(
    values: Float[Array, 'B T'] | Bool[Array, 'B T'],
    counted: Bool[Array, 'B T'],
) -> Float[Array, '']:
  """Mean of the values that count, 0 if none does."""
  total = jnp.where(counted, values, 0).sum(dtype=jnp.float32)
  return total / jnp.maximum(counted.sum(), 1)


def _unit(x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
  x = x.astype(jnp.float32)
  # The epsilon is inside of the root: at a vector of 0 the gradient of a norm
  # is not finite.
  return x * jax.lax.rsqrt(jnp.square(x).sum(axis=-1, keepdims=True) + 1e-6)
