"""A pickle as plain data: nothing that it names is imported or called.

A pickle is a program for a machine with a stack. Run by Python's own machine,
it may do whatever it pleases. This one keeps the calls it is asked for as
nodes of a tree, and gives up at a name that no table of numbers needs.
"""

import dataclasses
import io
import pickletools
from collections.abc import Callable
from typing import Any, NamedTuple


class Refused(Exception):
  """The pickle wants more than a table of numbers needs; says what."""


class Name(NamedTuple):
  """A global that the pickle would import."""

  module: str
  name: str


@dataclasses.dataclass(eq=False)
class Node:
  """An object that the pickle would make by a call.

  Attributes:
    maker: Global that the pickle would call.
    args: Arguments of that call.
    state: State that the object would be filled with.
    raw: Bytes between the opcodes that belong to it.
  """

  maker: Name
  args: tuple[Any, ...]
  state: Any = None
  raw: bytes = b''


# Reads what follows the opcodes that fill a node, if anything does.
AfterBuild = Callable[[Node, io.BytesIO], None]

# Names of arrays, random generators, estimators, and of joblib, which once
# came with them.
_MODULES = (
    'numpy.core.multiarray',
    'numpy._core.multiarray',
    'numpy.core.numeric',
    'numpy._core.numeric',
    'joblib.numpy_pickle',
)
_PACKAGES = ('numpy.random.', 'sklearn.')
_NAMES = (
    Name('numpy', 'dtype'),
    Name('numpy', 'ndarray'),
    Name('_codecs', 'encode'),
    Name('copyreg', '_reconstructor'),
    Name('copy_reg', '_reconstructor'),
    Name('builtins', 'object'),
    Name('__builtin__', 'object'),
)
# Opcodes whose argument is their value.
_VALUES = frozenset(
    'INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT'
    ' STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8'
    ' BYTEARRAY8 UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8'.split()
)
# Opcodes of the version, of pieces that speed up reading, of the end.
_MEANINGLESS = ('PROTO', 'FRAME', 'STOP')
_CONSTANTS = {'NONE': None, 'NEWTRUE': True, 'NEWFALSE': False}
_EMPTY = {'EMPTY_TUPLE': tuple, 'EMPTY_LIST': list, 'EMPTY_DICT': dict}
_TUPLES = {'TUPLE1': 1, 'TUPLE2': 2, 'TUPLE3': 3}


def read(data: bytes, after_build: AfterBuild) -> Any:
  """Dicts, lists, tuples, numbers, strings, bytes, `Name`s and `Node`s.

  Raises:
    Refused: The pickle wants more than a table of numbers needs.
    ValueError, KeyError, IndexError, TypeError: The pickle is damaged.
  """
  stream, machine = io.BytesIO(data), _Machine()
  # genops goes on where it finds the stream: joblib puts the bytes of an array
  # between two opcodes, and `after_build` takes them away.
  for opcode, argument, _ in pickletools.genops(stream):
    machine.step(opcode.name, argument)
    if opcode.name == 'BUILD':
      after_build(machine.stack[-1], stream)
  return machine.stack.pop()


class _Machine:
  """The stack, and what is remembered."""

  def __init__(self):
    self.stack: list[Any] = []
    self._marked: list[list[Any]] = []
    self._memo: dict[int, Any] = {}

  def step(self, opcode: str, argument: Any) -> None:
    """Follows one opcode."""
    if opcode in _MEANINGLESS:
      return
    if opcode in _VALUES:
      self.stack.append(argument)
    elif opcode in _CONSTANTS:
      self.stack.append(_CONSTANTS[opcode])
    elif opcode in _EMPTY:
      self.stack.append(_EMPTY[opcode]())
    elif opcode in _TUPLES:
      count = _TUPLES[opcode]
      self.stack[-count:] = [tuple(self.stack[-count:])]
    else:
      # Persistent ids, extensions and the old ways to make objects have no
      # method here: no table needs them.
      follow = getattr(self, f'_{opcode.lower()}', None)
      if follow is None:
        raise Refused(f'it has the opcode {opcode}')
      follow(argument)

  def _mark(self, _: None) -> None:
    self._marked.append(self.stack)
    self.stack = []

  def _since_mark(self) -> list[Any]:
    items, self.stack = self.stack, self._marked.pop()
    return items

  def _tuple(self, _: None) -> None:
    items = self._since_mark()
    self.stack.append(tuple(items))

  def _list(self, _: None) -> None:
    items = self._since_mark()
    self.stack.append(items)

  def _dict(self, _: None) -> None:
    items = self._since_mark()
    self.stack.append(_pairs(items))

  def _append(self, _: None) -> None:
    item = self.stack.pop()
    self._fill(list).append(item)

  def _appends(self, _: None) -> None:
    items = self._since_mark()
    self._fill(list).extend(items)

  def _setitem(self, _: None) -> None:
    value, key = self.stack.pop(), self.stack.pop()
    self._fill(dict).update(_pairs([key, value]))

  def _setitems(self, _: None) -> None:
    items = self._since_mark()
    self._fill(dict).update(_pairs(items))

  def _fill(self, kind: type) -> Any:
    # Python's machine would call methods of whatever lies there.
    if type(self.stack[-1]) is not kind:
      raise ValueError(f'A {type(self.stack[-1]).__name__} is filled.')
    return self.stack[-1]

  def _put(self, index: int) -> None:
    self._memo[index] = self.stack[-1]

  _binput = _long_binput = _put

  def _memoize(self, _: None) -> None:
    self._memo[len(self._memo)] = self.stack[-1]

  def _get(self, index: int) -> None:
    self.stack.append(self._memo[index])

  _binget = _long_binget = _get

  def _global(self, argument: str) -> None:
    self._name(*argument.split(' '))

  def _stack_global(self, _: None) -> None:
    name, module = self.stack.pop(), self.stack.pop()
    self._name(module, name)

  def _name(self, module: str, name: str) -> None:
    if not isinstance(module, str) or not isinstance(name, str):
      raise ValueError('A name is no word.')
    found = Name(module, name)
    known = module in _MODULES or module.startswith(_PACKAGES)
    if not known and found not in _NAMES:
      wanted = f'{module}.{name}'
      raise Refused(f'it asks for {wanted!a:.70}')
    self.stack.append(found)

  def _call(self, _: None) -> None:
    args, maker = self.stack.pop(), self.stack.pop()
    if not isinstance(maker, Name) or not isinstance(args, tuple):
      raise ValueError('What is called has no name.')
    self.stack.append(Node(maker, args))

  _reduce = _newobj = _call

  def _build(self, _: None) -> None:
    state = self.stack.pop()
    if not isinstance(self.stack[-1], Node):
      raise ValueError('What is filled is no object.')
    self.stack[-1].state = state


def _pairs(items: list[Any]) -> dict[str | int, Any]:
  """A dict of keys and values in turn; a deep tuple as key crashes Python."""
  keys = items[::2]
  if not all(isinstance(key, str | int) for key in keys):
    raise ValueError('A key is neither a word nor a number.')
  return dict(zip(keys, items[1::2], strict=True))
