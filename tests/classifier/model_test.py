"""Tests audiolm_jax/classifier/model.py."""

import jax
import jax.numpy as jnp
import numpy as np

from audiolm_jax.classifier.model import Block, Classifier
from audiolm_jax.training.state import unbox

from . import tiny

KEY = jax.random.key(0)


def shapes(model):
  return jax.eval_shape(model.init, KEY, jnp.zeros((1, 16000)))['params']


def size(box):
  return box.value.shape


def test_the_papers_size_is_the_default():
  params = shapes(Classifier(tuple(map(str, range(291)))))
  widths = [64, 128, 256, 256, 512, 512]
  before = [1, *widths[:-1]]
  for index, (given, width) in enumerate(zip(before, widths, strict=True)):
    block = params[f'block_{index}']
    assert size(block['time']['kernel']) == (3, 1, given, width)
    assert size(block['frequency']['kernel']) == (1, 3, width, width)
    assert size(block['norm']['scale']) == (width,)
  # Four pools leave 4 of 64 mel bands.
  assert size(params['out']['kernel']) == (4 * 512, 291)


def test_a_block_is_what_one_would_write_by_hand():
  block = Block(2, pools=True)
  rng = np.random.default_rng(0)
  x = rng.normal(size=(1, 8, 6, 3)).astype(np.float32)
  variables = unbox(jax.jit(block.init, static_argnums=2)(KEY, x, True))
  params = variables['params']
  time = np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)))
  kernel = np.asarray(params['time']['kernel'])[:, 0]
  y = sum(time[:, k : k + 8] @ kernel[k] for k in range(3))
  bands = np.pad(y, ((0, 0), (0, 0), (1, 1), (0, 0)))
  kernel = np.asarray(params['frequency']['kernel'])[0]
  y = np.maximum(sum(bands[:, :, k : k + 6] @ kernel[k] for k in range(3)), 0)
  y = (y - y.mean((0, 1, 2))) / np.sqrt(y.var((0, 1, 2)) + 1e-5)
  y = y.reshape(1, 4, 2, 3, 2, 2).max(axis=(2, 4))
  found, _ = jax.jit(
      lambda *args: block.apply(*args, True, mutable=['batch_stats'])
  )(variables, x)
  np.testing.assert_allclose(found, y, rtol=1e-4, atol=1e-5)


def test_rows_do_not_depend_on_each_other_once_it_has_learnt():
  waveform = jnp.stack([tiny.tone(hertz, 1.0) for hertz in (200, 900)])
  variables = jax.jit(tiny.MODEL.init)(KEY, waveform)
  apply = jax.jit(tiny.MODEL.apply)
  both = apply(variables, waveform)
  alone = apply(variables, waveform.at[1].set(0))
  np.testing.assert_allclose(both[0], alone[0], rtol=1e-5)
  assert not np.allclose(both[1], alone[1])
