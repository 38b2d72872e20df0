"""Tests audiolm_jax/executables.py, in processes of their own."""

import json
import subprocess
import sys

import pytest

_SETTING_UP = """
import json, pathlib, sys
import jax, jax.numpy as jnp, numpy as np
from typing import NamedTuple
from audiolm_jax import executables, kept_executables

class Pair(NamedTuple):
  a: jax.Array
  b: jax.Array

traced = []

@executables.jit(static_argnames=('power', 'label'), donate_argnames=('pair',))
def raised(power, pair, key, scale, label=None):
  traced.append((power, label))
  noise = jax.random.uniform(key, pair.a.shape)
  return Pair(pair.a**power * scale, pair.b + noise), len(label or '')

def call(power, size, scale=2.0, **named):
  pair = Pair(jnp.arange(size, dtype=jnp.float32), jnp.ones(size))
  made, length = raised(power, pair, jax.random.key(3), scale, **named)
  return [made.a.tolist(), made.b.tolist(), int(length)]

def jit_of(scale, described):
  return executables.jit(described)(lambda x: x * scale)
"""


def _run(folder, *lines):
  """What the last line is, and what was traced, in a process of its own."""
  *before, last = lines
  code = '\n'.join(
      [
          _SETTING_UP,
          f'executables.keep_in({_path(folder)})',
          *before,
          f'print(json.dumps([{last}, traced]))',
      ]
  )
  done = subprocess.run(
      [sys.executable, '-c', code], capture_output=True, text=True, check=True
  )
  return json.loads(done.stdout.splitlines()[-1]), done.stderr


def _path(folder):
  return 'None' if folder is None else f'pathlib.Path({str(folder)!r})'


def test_a_second_start_traces_nothing_and_makes_the_same(tmp_path):
  calls = '[call(2, 3), call(2, 3), call(3, 3, label="ab"), call(2, 5)]'
  (plain, _), _ = _run(None, calls)
  (first, traced), _ = _run(tmp_path, calls)
  (second, traced_again), _ = _run(tmp_path, calls)
  assert plain == first == second
  assert len(traced) == 3 and traced_again == []


def test_what_differs_is_not_mixed_up(tmp_path):
  _run(tmp_path, 'call(2, 3)')
  others = 'call(3, 3)', 'call(2, 4)', 'call(2, 3, 5)', 'call(2, 3, label="c")'
  (plain, _), _ = _run(None, f'[{", ".join(others)}]')
  for other, wanted in zip(others, plain, strict=True):
    (found, traced), _ = _run(tmp_path, other)
    assert len(traced) == 1
    assert found == wanted


def test_what_a_function_closes_over_is_told_apart_by_its_description(tmp_path):
  last = '[float(jit_of(k, f"times {k}")(1.0)) for k in (2, 3)]'
  for _ in range(2):
    assert _run(tmp_path, last)[0][0] == [2.0, 3.0]


def test_inside_of_another_program_it_is_traced_as_ever(tmp_path):
  pair = 'Pair(jnp.ones(2), jnp.ones(2))'
  whole = (
      f'jax.jit(lambda p: raised(2, p, jax.random.key(0), 3.0)[0].a)({pair})'
  )
  (found, _), _ = _run(tmp_path, f'{whole}.tolist()')
  assert found == [3.0, 3.0]
  assert not list(tmp_path.glob('*.executable'))


def test_settings_of_jax_are_told_apart(tmp_path):
  _run(tmp_path, 'call(2, 3)')
  precise = 'jax.config.update("jax_default_matmul_precision", "float32")'
  for setting, count in ((precise, 1), (precise, 0)):
    (_, traced), _ = _run(tmp_path, setting, 'call(2, 3)')
    assert len(traced) == count


def test_of_several_devices_each_has_its_own(tmp_path):
  two = 'jax.config.update("jax_num_cpu_devices", 2)'
  call = (
      'pair = lambda d: jax.device_put(Pair(jnp.ones(2), jnp.ones(2)), d)',
      'key = lambda d: jax.device_put(jax.random.key(0), d)',
      'made = [raised(2, pair(d), key(d), 3.0)[0] for d in jax.devices()]',
      '[[x.a.tolist(), [d.id for d in x.a.devices()]] for x in made]',
  )
  for count in (2, 0):
    (found, traced), _ = _run(tmp_path, two, *call)
    assert found == [[[3.0, 3.0], [0]], [[3.0, 3.0], [1]]]
    # To trace is not to compile: JAX need not trace for another device.
    assert bool(traced) == bool(count)
  assert len(list(tmp_path.glob('*.executable'))) == 2


def test_what_is_spread_over_devices_is_jitted_as_ever(tmp_path):
  (found, _), _ = _run(
      tmp_path,
      'jax.config.update("jax_num_cpu_devices", 2)',
      'mesh = jax.make_mesh((2,), ("data",))',
      'rows = jax.NamedSharding(mesh, jax.P("data"))',
      'pair = jax.device_put(Pair(jnp.ones(2), jnp.ones(2)), rows)',
      'raised(2, pair, jax.random.key(0), 3.0)[0].a.tolist()',
  )
  assert found == [3.0, 3.0]
  assert not list(tmp_path.glob('*.executable'))


@pytest.mark.parametrize('damage', ['cut', 'flipped', 'empty'])
def test_a_damaged_file_is_made_anew(tmp_path, damage):
  whole, _ = _run(tmp_path, 'call(2, 3)')
  (path,) = tmp_path.glob('*.executable')
  content = path.read_bytes()
  path.write_bytes(
      {
          'cut': content[: len(content) // 2],
          'flipped': content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
          'empty': b'',
      }[damage]
  )
  assert _run(tmp_path, 'call(2, 3)')[0] == whole
  assert path.read_bytes() != b''
  assert _run(tmp_path, 'call(2, 3)')[0] == [whole[0], []]


def test_a_program_that_jax_had_kept_itself_is_kept_too(tmp_path):
  keep = (
      f'jax.config.update("jax_compilation_cache_dir", "{tmp_path}/jax")',
      'jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)',
      'jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)',
  )
  (plain, _), _ = _run(None, *keep, 'call(2, 3)')
  for _ in range(2):
    (found, traced), _ = _run(tmp_path / 'ours', *keep, 'call(2, 3)')
    assert found == plain
  assert traced == []


def test_a_folder_that_cannot_be_is_a_warning(tmp_path):
  (tmp_path / 'file').write_text('')
  (found, _), stderr = _run(tmp_path / 'file/folder', 'call(2, 3)')
  assert found == _run(None, 'call(2, 3)')[0][0]
  assert 'is not kept' in stderr


def test_what_was_not_used_for_longest_makes_room(tmp_path):
  lines = (
      'kept_executables._MOST_FILES = 2',
      '[call(2, size) for size in (1, 2, 3)] and call(2, 4)',
  )
  _run(tmp_path, *lines)
  assert len(list(tmp_path.glob('*.executable'))) == 2
  assert _run(tmp_path, 'call(2, 4)')[0][1] == []


def _purpose(folder, name='generate'):
  """Lines that read ahead, wait for all of it and remove the files."""
  return (
      f'executables.keep_in({_path(folder)}, {name!r})',
      '[future.result() for future in executables._kept._ahead.values()]',
      f'[p.unlink() for p in {_path(folder)}.glob("*.executable")]',
  )


def test_what_a_process_like_it_used_is_read_ahead(tmp_path):
  calls = '[call(2, 3), call(3, 3)]'
  (first, traced), _ = _run(tmp_path, *_purpose(tmp_path), calls)
  assert len(traced) == 2
  (second, traced), _ = _run(tmp_path, *_purpose(tmp_path), calls)
  assert second == first and traced == []


def test_what_is_read_ahead_is_of_the_last_process_of_the_purpose(tmp_path):
  keep = f'executables.keep_in({_path(tmp_path)}, "generate")'
  count = 'len(executables._kept._ahead)'
  other = f'executables.keep_in({_path(tmp_path)}, "detect")'
  for last, wanted in (
      ('[call(2, 3), call(2, 4)] and 0', 0),
      (count, 2),
      (f'{count} + 0 * len(call(2, 3))', 2),
      (count, 1),
  ):
    assert _run(tmp_path, keep, last)[0][0] == wanted
  assert _run(tmp_path, other, count)[0][0] == 0


def test_a_list_that_makes_no_sense_is_made_anew(tmp_path):
  keep = f'executables.keep_in({_path(tmp_path)}, "generate")'
  whole, _ = _run(tmp_path, keep, 'call(2, 3)')
  (used,) = tmp_path.glob('*.used')
  said = used.read_text()
  used.write_text('nonsense\n../secret 0\nabc 99\nabc -1\n')
  assert _run(tmp_path, keep, 'call(2, 3)')[0] == [whole[0], []]
  assert used.read_text() == said


def test_a_process_that_ends_does_not_wait_for_what_is_read_ahead(tmp_path):
  keep = f'executables.keep_in({_path(tmp_path)}, "generate")'
  _run(tmp_path, keep, '[call(2, n) for n in range(1, 4)] and 0')
  read = []
  slow = (
      'read, wait = [], __import__("time").sleep',
      'kept_executables._read = lambda *of: read.append(of) or wait(1)',
      'import atexit',
      # Of those that run at the end, the first that is registered is the last.
      'atexit.register(lambda: print(json.dumps([len(read), 0])))',
  )
  (read, _), _ = _run(tmp_path, *slow, keep, '0')
  assert read == 1


def test_what_fails_ahead_is_read_again_where_it_is_asked_for(tmp_path):
  keep = f'executables.keep_in({_path(tmp_path)}, "generate")'
  calls = '[call(2, 3), call(3, 3)]'
  whole, _ = _run(tmp_path, keep, calls)
  fails_once = (
      'read, fail = kept_executables._read, [True]',
      'kept_executables._read = lambda *of: 1 / 0 if fail.pop() else read(*of)',
      'fail[:0] = [False] * 9',
  )
  (found, _), stderr = _run(tmp_path, *fails_once, keep, calls)
  assert [found, []] == [whole[0], []] and 'ZeroDivisionError' in stderr
