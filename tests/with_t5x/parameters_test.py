"""Tests `audiolm_jax/t5x/parameters.py`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from audiolm_jax.errors import UserError
from audiolm_jax.t5x import parameters
from audiolm_jax.training.state import unbox
from tests.with_t5x import published


def theirs():
  return traverse_util.unflatten_dict(published.parameters(), sep='/')


def changed(name, array=None):
  """t5x's parameters with one of them another array, or missing."""
  arrays = published.parameters()
  arrays.pop(name, None)
  if array is not None:
    arrays[name] = array
  return traverse_util.unflatten_dict(arrays, sep='/')


def test_names_and_shapes_are_those_of_our_network():
  model, params = parameters.from_t5x(theirs(), 'x')
  ids = jnp.zeros((1, 2), jnp.int32)
  made = jax.eval_shape(
      lambda: unbox(model.init(jax.random.key(0), ids, ids[0], ids))
  )['params']
  assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, made)
  assert (model.num_heads, model.head_dim) == (published.HEADS, published.HEAD)


def test_parameters_come_back_as_they_went():
  model, params = parameters.from_t5x(theirs(), 'x')
  # The factor of the queries is no power of two; a last bit may be rounded.
  jax.tree.map(
      lambda found, wanted: np.testing.assert_allclose(found, wanted, 2e-7),
      parameters.to_t5x(model, params),
      theirs(),
  )
  again = parameters.from_t5x(parameters.to_t5x(model, params), 'x')[1]
  jax.tree.map(
      lambda found, wanted: np.testing.assert_allclose(found, wanted, 2e-7),
      again,
      params,
  )


def test_a_network_that_t5x_has_not_is_refused():
  model, params = parameters.from_t5x(theirs(), 'x')
  for changes in ({'bidirectional_bias': True}, {'max_distance': 64}):
    with pytest.raises(UserError, match='position bias of the past alone'):
      parameters.to_t5x(model.clone(**changes), params)


KEY = 'decoder/layers_1/self_attention/key/kernel'


@pytest.mark.parametrize(
    'name, array, message',
    [
        (KEY, None, f'run: {KEY} is not there, must be (16, 16);'),
        (
            KEY,
            np.zeros((16, 8)),
            f'{KEY} is of shape (16, 8), must be (16, 16)',
        ),
        (
            'decoder/logits_dense/kernel',
            np.zeros((16, 40)),
            'decoder/logits_dense/kernel is of shape (16, 40), must be absent',
        ),
        (
            'decoder/layers_1/mlp/wi/kernel',
            np.zeros((16, 24)),
            'layers_1/mlp/wi/kernel is of shape (16, 24), must be absent',
        ),
        (
            'decoder/relpos_bias/rel_embedding',
            np.zeros((2, 64)),
            'relpos_bias/rel_embedding is of shape (2, 64), must be (2, 32)',
        ),
        (
            'decoder/relpos_bias/rel_embedding',
            np.zeros((3, 32)),
            '3 heads cannot share 16 columns',
        ),
        (
            'decoder/token_embedder/embedding',
            None,
            'token_embedder/embedding is not there, must be 2 axes',
        ),
    ],
)
def test_a_tensor_that_does_not_fit_is_one_line_with_its_name(
    name, array, message
):
  with pytest.raises(UserError) as caught:
    parameters.from_t5x(changed(name, array), 'run')
  assert message in str(caught.value) and '\n' not in str(caught.value)


def test_an_encoder_decoder_is_refused():
  tree = {'encoder': {'x': np.zeros(3)}, **theirs()}
  with pytest.raises(UserError, match='encoder/x is of shape'):
    parameters.from_t5x(tree, 'run')
  with pytest.raises(UserError, match='embedding is not there'):
    parameters.from_t5x({'encoder': {'x': np.zeros(3)}}, 'run')
