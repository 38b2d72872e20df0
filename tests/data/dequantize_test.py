"""Tests data/shipped/dequantize.py; onnx comes with data/requirements.txt."""

import numpy as np
import pytest

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')

import onnxruntime  # noqa: E402
from onnx import helper, numpy_helper  # noqa: E402

from data.shipped import dequantize  # noqa: E402

WEIGHT = np.random.default_rng(0).integers(-127, 128, (6, 4)).astype(np.int8)
SCALE = np.linspace(0.01, 0.04, 4, dtype=np.float32)


@pytest.fixture
def quantized():
  """x times a weight, as dynamic quantisation writes it."""
  nodes = [
      helper.make_node(
          'DynamicQuantizeLinear', ['x'], ['x8', 'x_scale', 'x_zero']
      ),
      helper.make_node(
          'MatMulInteger', ['x8', 'w', 'x_zero', 'w_zero'], ['product']
      ),
      helper.make_node(
          'Cast', ['product'], ['float'], to=onnx.TensorProto.FLOAT
      ),
      helper.make_node('Mul', ['x_scale', 'w_scale'], ['scale']),
      helper.make_node('Mul', ['float', 'scale'], ['y']),
  ]
  tensors = {
      'w': WEIGHT,
      'w_zero': np.int8(3),
      'w_scale': SCALE,
  }
  graph = helper.make_graph(
      nodes,
      'g',
      [helper.make_tensor_value_info('x', onnx.TensorProto.FLOAT, [2, 6])],
      [helper.make_tensor_value_info('y', onnx.TensorProto.FLOAT, [2, 4])],
      [numpy_helper.from_array(np.asarray(v), k) for k, v in tensors.items()],
  )
  model = helper.make_model(
      graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8
  )
  return model.SerializeToString()


def test_float_model_multiplies_with_the_weights_that_were_meant(quantized):
  model = dequantize.to_float32(quantized)
  x = np.random.default_rng(1).normal(size=(2, 6)).astype(np.float32)
  (y,) = onnxruntime.InferenceSession(model).run(None, {'x': x})
  meant = (WEIGHT.astype(np.float32) - 3) * SCALE
  np.testing.assert_allclose(y, x @ meant, rtol=1e-5, atol=1e-5)


def test_nothing_quantised_is_left(quantized):
  graph = onnx.load_from_string(dequantize.to_float32(quantized)).graph
  assert [node.op_type for node in graph.node] == ['MatMul']
  assert len(graph.initializer) == 1
