"""The house: imports point up the list, and heavy libraries stay in rooms."""

import ast
import graphlib
import pathlib

import pytest

PACKAGE = pathlib.Path(__file__).parent.parent / 'audiolm_jax'

# Who stands above whom; a room may import itself and what stands before it.
ROOMS = (
    'errors',
    'files',
    'progress',
    'cache',
    'kept_executables',
    'executables',
    'described',
    'encodings',
    'splits',
    'sound',
    'audio',
    'speeds',
    'clip',
    'corpus',
    'changes',
    'augment',
    'nn',
    'training',
    'soundstream',
    'w2v_bert',
    'semantic_vq',
    'pretrained',
    'tokens',
    'lm',
    'soundstorm',
    'classifier',
    'bundle',
    't5x',
    'generation',
    'generate',
    'evaluation',
    'serving',
    'cli',
    'adapters',
)

# Within a room, the same of its sub-rooms.
SUB_ROOMS = {
    'adapters': ('readers',),
    'cli': ('actions',),
    'evaluation': ('metrics', 'listeners', 'subjects', 'report', 'sections'),
    'lm': ('sampling',),
    'tokens': ('tokenizers', 'store', 'batches', 'extraction'),
    'training': ('checkpoints', 'monitoring', 'planning'),
}

# Libraries that only these rooms import: others run where they are missing.
_T5X = ('t5x.converter', 't5x.tasks')
CONFINED = {
    'tensorflow': ('tokens.batches', *_T5X),
    'tensorflow_datasets': ('adapters.readers.tfds_audio',),
    'seqio': ('tokens.batches', *_T5X),
    'grain': ('tokens.batches.grain_reader',),
    'apache_beam': ('tokens.extraction',),
    'gin': ('cli',),
    'orbax': ('training.checkpoints', 'training.monitoring.stopping'),
    'gradio': ('serving',),
    'fastapi': ('serving',),
    'av': ('sound.containers',),
    'huggingface_hub': ('bundle.hub',),
    # A checkpoint or a bundle may come from a stranger; executables stay in the
    # user's own cache.
    'pickle': ('kept_executables',),
}


def modules() -> dict[str, ast.Module]:
  """Parsed sources by name, without the package's own."""
  return {
      '.'.join(path.relative_to(PACKAGE).with_suffix('').parts): ast.parse(
          path.read_text()
      )
      # A linked folder, which rglob leaves out.
      for path in sorted(
          [*PACKAGE.rglob('*.py'), *PACKAGE.glob('adapters/**/*')]
      )
      if path.suffix == '.py' and path != PACKAGE / '__init__.py'
  }


MODULES = modules()


def imported(tree: ast.Module) -> set[str]:
  """Dotted names a module imports, wherever in its text."""
  names = set()
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      names |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
      assert node.level == 0, 'Relative imports hide where they point.'
      names |= {f'{node.module}.{alias.name}' for alias in node.names}
  return names


def own(tree: ast.Module) -> set[str]:
  """Modules of the package that a module imports."""
  found = set()
  for name in imported(tree):
    parts = name.split('.')[1:] if name.startswith('audiolm_jax.') else []
    # The last part may be a function.
    for known in ('.'.join(parts), '.'.join(parts[:-1])):
      if known in MODULES or f'{known}.__init__' in MODULES:
        found.add(known)
        break
  return found


@pytest.mark.parametrize('module', MODULES)
def test_imports_point_up(module):
  room = module.split('.')[0]
  assert room in ROOMS, f'Give {room} its place in ROOMS.'
  above = ROOMS[: ROOMS.index(room) + 1]
  for other in own(MODULES[module]):
    assert other.split('.')[0] in above, f'{module} imports {other}'


def sub_room(module: str) -> tuple[str, str]:
  """The room of a module and the folder, or the file, within it."""
  room, _, rest = module.partition('.')
  return room, rest.split('.')[0]


def test_every_folder_has_its_place():
  folders = {
      sub_room(module) for module in MODULES if len(module.split('.')) > 2
  }
  named = {(room, name) for room in SUB_ROOMS for name in SUB_ROOMS[room]}
  assert folders == named


@pytest.mark.parametrize('room', SUB_ROOMS)
def test_imports_point_up_within_a_room(room):
  order = SUB_ROOMS[room]
  for module, tree in MODULES.items():
    ours = sub_room(module)
    for other in own(tree) if ours[0] == room else ():
      theirs = sub_room(other)
      if theirs[0] == room and {ours[1], theirs[1]} <= set(order):
        up = order.index(theirs[1]) <= order.index(ours[1])
        assert up, f'{module} imports {other}'


@pytest.mark.parametrize('library', CONFINED)
def test_heavy_libraries_stay_in_their_rooms(library):
  for module, tree in MODULES.items():
    libraries = {name.split('.')[0] for name in imported(tree)}
    allowed = module.startswith(CONFINED[library])
    assert allowed or library not in libraries, f'{module} imports {library}'


def test_no_module_imports_itself_in_a_circle():
  graph = {
      module.removesuffix('.__init__'): own(tree)
      for module, tree in MODULES.items()
  }
  graphlib.TopologicalSorter(graph).prepare()


def test_no_folder_imports_itself_in_a_circle():
  graph: dict[tuple[str, str], set[tuple[str, str]]] = {}
  for module, tree in MODULES.items():
    graph.setdefault(sub_room(module), set()).update(
        sub_room(other) for other in own(tree)
    )
  for ours in graph:
    graph[ours].discard(ours)
  graphlib.TopologicalSorter(graph).prepare()


def test_the_imports_are_seen():
  assert 'training.state' in own(MODULES['training.loop'])
  assert 'training.checkpoints.digests' in own(
      MODULES['training.checkpoints.checkpoints']
  )
