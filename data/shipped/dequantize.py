"""A dynamically quantised ONNX graph with its weights in float32 again.

Integer convolutions and products become the float ones they stand for: no
rounding of activations, and a seventh faster on a CPU.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

_INTEGER_OPS = {'ConvInteger': 'Conv', 'MatMulInteger': 'MatMul'}


def to_float32(model: bytes, outputs: Sequence[str] = ()) -> bytes:
  """Rewrites a serialised model.

  Args:
    model: An ONNX model.
    outputs: Tensors within it that are to be outputs, too.
  """
  proto = onnx.load_from_string(model)
  proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
  _Rewriting(proto.graph).run()
  return proto.SerializeToString()


class _Rewriting:
  """Indices of one graph, and what is to be put in the place of what."""

  def __init__(self, graph: onnx.GraphProto):
    self._graph = graph
    self._constants = {tensor.name: tensor for tensor in graph.initializer}
    self._producer = {name: n for n in graph.node for name in n.output}
    self._consumers = {}
    for node in graph.node:
      for name in node.input:
        self._consumers.setdefault(name, []).append(node)
    self._weights = {}

  def run(self) -> None:
    nodes = self._live([self._rewritten(node) for node in self._graph.node])
    used = {name for node in nodes for name in node.input}
    tensors = {**self._constants, **self._weights}
    kept = [tensors[name] for name in tensors if name in used]
    for field, values in (
        (self._graph.node, nodes),
        (self._graph.initializer, kept),
        (self._graph.value_info, ()),
    ):
      del field[:]
      field.extend(values)

  def _rewritten(self, node: onnx.NodeProto) -> onnx.NodeProto:
    if node.op_type in _INTEGER_OPS:
      return self._float_product(node)
    if node.op_type == 'DynamicQuantizeLSTM':
      return self._float_lstm(node)
    return node

  def _float_product(self, node: onnx.NodeProto) -> onnx.NodeProto:
    """Stands for quantise, multiply, [add bias], cast, scale back."""
    after = self._only_consumer(node.output[0])
    bias = []
    if after.op_type == 'Add':
      bias = [self._float_bias(after, node.output[0])]
      after = self._only_consumer(after.output[0])
    rescale = self._only_consumer(after.output[0])
    scales = self._producer[_other(rescale, after.output[0])]
    quantize = self._producer[node.input[0]]
    scale = self._value(_other(scales, quantize.output[1]))
    if scale.size > 1 and node.op_type == 'ConvInteger':
      scale = scale.reshape(-1, *[1] * (self._value(node.input[1]).ndim - 1))
    zero = self._value(node.input[3]) if len(node.input) > 3 else 0
    weight = (self._value(node.input[1]).astype(np.float32) - zero) * scale
    inputs = [quantize.input[0], self._store(node.input[1], weight), *bias]
    # The nodes in between lose their only consumer and die.
    product = helper.make_node(
        _INTEGER_OPS[node.op_type], inputs, rescale.output, node.name
    )
    product.attribute.extend(node.attribute)
    rescale.output[:] = [f'{rescale.output[0]}_unused']
    return product

  def _float_lstm(self, node: onnx.NodeProto) -> onnx.NodeProto:
    tensors = list(node.input)
    # Inputs 8 to 11 are scale and zero point of weights 1 and 2.
    weights = [
        self._store(
            tensors[place],
            np.swapaxes(
                (self._value(tensors[place]).astype(np.float32) - zero) * scale,
                1,
                2,
            ),
        )
        for place, scale, zero in (
            (1, *self._lstm_quantization(tensors, 1)),
            (2, *self._lstm_quantization(tensors, 2)),
        )
    ]
    lstm = helper.make_node(
        'LSTM', [tensors[0], *weights, *tensors[3:8]], node.output
    )
    lstm.attribute.extend(a for a in node.attribute if a.name != 'domain')
    return lstm

  def _lstm_quantization(self, tensors: list[str], place: int):
    """Scale and zero point of a [direction input hidden] weight."""
    first = 6 + 2 * place
    scale, zero = (self._value(name) for name in tensors[first : first + 2])
    directions, _, width = self._value(tensors[place]).shape
    per_column = scale.ndim > 1 or scale.size == directions * width
    shape = (directions, 1, -1 if per_column else 1)
    zero = zero.astype(np.float32)
    return scale.reshape(shape), zero.reshape(shape) if zero.size > 1 else zero

  def _float_bias(self, add: onnx.NodeProto, product: str) -> str:
    """The bias before it was divided by the scale, rounded and cast."""
    node = self._producer[_other(add, product)]
    while node.op_type != 'Div':
      node = self._producer[node.input[0]]
    return node.input[0]

  def _live(self, nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    needed = {output.name for output in self._graph.output}
    kept = []
    for node in reversed(nodes):
      if needed & set(node.output):
        kept.append(node)
        needed |= set(node.input)
    return kept[::-1]

  def _only_consumer(self, name: str) -> onnx.NodeProto:
    (consumer,) = self._consumers[name]
    return consumer

  def _value(self, name: str) -> np.ndarray:
    return numpy_helper.to_array(self._constants[name])

  def _store(self, name: str, value: np.ndarray) -> str:
    renamed = f'{name}_float32'
    self._weights[renamed] = numpy_helper.from_array(
        np.ascontiguousarray(value, np.float32), renamed
    )
    return renamed


def _other(node: onnx.NodeProto, name: str) -> str:
  (other,) = [each for each in node.input if each != name]
  return other
