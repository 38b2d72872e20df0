"""The message tf.train.Example, without TensorFlow.

protobuf builds it from the description that follows, in a pool of its own, so
that TensorFlow's own may stand beside it.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = 'tensorflow'

# Names and numbers of the fields are those of tensorflow/core/example.
_LISTS = {
    'BytesList': _Field.TYPE_BYTES,
    'FloatList': _Field.TYPE_FLOAT,
    'Int64List': _Field.TYPE_INT64,
}
_KINDS = {
    'bytes_list': 'BytesList',
    'float_list': 'FloatList',
    'int64_list': 'Int64List',
}


def _described() -> descriptor_pb2.FileDescriptorProto:
  file = descriptor_pb2.FileDescriptorProto(
      name='example.proto', package=_PACKAGE, syntax='proto3'
  )
  for name, kind in _LISTS.items():
    message = file.message_type.add(name=name)
    message.field.add(
        name='value', number=1, type=kind, label=_Field.LABEL_REPEATED
    )
  feature = file.message_type.add(name='Feature')
  feature.oneof_decl.add(name='kind')
  for number, (name, kind) in enumerate(_KINDS.items(), 1):
    _add(feature, name, number, kind).oneof_index = 0
  features = file.message_type.add(name='Features')
  entry = features.nested_type.add(name='FeatureEntry')
  entry.options.map_entry = True
  entry.field.add(
      name='key',
      number=1,
      type=_Field.TYPE_STRING,
      label=_Field.LABEL_OPTIONAL,
  )
  _add(entry, 'value', 2, 'Feature')
  entries = _add(features, 'feature', 1, 'Features.FeatureEntry')
  entries.label = _Field.LABEL_REPEATED
  _add(file.message_type.add(name='Example'), 'features', 1, 'Features')
  return file


def _add(
    message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str
) -> descriptor_pb2.FieldDescriptorProto:
  return message.field.add(
      name=name,
      number=number,
      type=_Field.TYPE_MESSAGE,
      type_name=f'.{_PACKAGE}.{kind}',
      label=_Field.LABEL_OPTIONAL,
  )


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_described())
Example = message_factory.GetMessageClass(
    _pool.FindMessageTypeByName(f'{_PACKAGE}.Example')
)
