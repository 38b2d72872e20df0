"""Tests data/shipped/short_transforms.py; onnx is of data/requirements.txt."""

import numpy as np
import pytest

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')

import onnxruntime  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from onnx import helper, numpy_helper  # noqa: E402

from data.shipped import short_transforms  # noqa: E402


def convolution(taps, dilation=1, channels=128, bias=True, **changes):
  """A model of one convolution that keeps the length."""
  rng = np.random.default_rng(taps)
  tensors = {'w': rng.normal(size=(channels, channels, taps)) / 30}
  if bias:
    tensors['b'] = rng.normal(size=channels)
  half = dilation * (taps - 1) // 2
  attributes = {'pads': [half, half], 'dilations': [dilation], **changes}
  shape = [1, channels, 'T']
  graph = helper.make_graph(
      [helper.make_node('Conv', ['x', *tensors], ['y'], **attributes)],
      'g',
      [helper.make_tensor_value_info('x', onnx.TensorProto.FLOAT, shape)],
      [helper.make_tensor_value_info('y', onnx.TensorProto.FLOAT, None)],
      [
          numpy_helper.from_array(value.astype(np.float32), name)
          for name, value in tensors.items()
      ],
  )
  return helper.make_model(
      graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8
  ).SerializeToString()


def run(model, x):
  return onnxruntime.InferenceSession(model).run(None, {'x': x})[0]


def kinds(model):
  return [node.op_type for node in onnx.load_from_string(model).graph.node]


@settings(deadline=None, max_examples=20)
@given(
    taps=st.sampled_from([7, 11]),
    dilation=st.integers(1, 5),
    length=st.integers(1, 200),
    bias=st.booleans(),
)
def test_rewritten_convolution_is_the_same_at_any_length(
    taps, dilation, length, bias
):
  model = convolution(taps, dilation, bias=bias)
  rewritten = short_transforms.rewrite(model)
  assert 'MatMul' in kinds(rewritten)
  x = np.random.default_rng(length).normal(size=(1, 128, length))
  x = x.astype(np.float32)
  np.testing.assert_allclose(run(rewritten, x), run(model, x), atol=2e-5)


@pytest.mark.parametrize(
    'model',
    [
        pytest.param(convolution(3), id='few taps'),
        pytest.param(convolution(11, channels=64), id='few channels'),
        pytest.param(convolution(11, strides=[2]), id='stride'),
        pytest.param(convolution(11, pads=[0, 0]), id='no padding'),
    ],
)
def test_other_convolutions_stay(model):
  assert kinds(short_transforms.rewrite(model)) == ['Conv']
