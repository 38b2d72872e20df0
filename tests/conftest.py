"""Strict arithmetic and eight CPU devices for every test."""

import contextlib
import os
import pathlib
from importlib import metadata

# Most tests compile more than they compute. The preset, and a module that is
# not split for several threads, take a fifth less; what tests start inherits
# them.
_COMPILE_FAST = [
    '--xla_cpu_opt_preset=CPU_OPT_PRESET_FAST_COMPILE',
    '--xla_cpu_parallel_codegen_split_count=1',
]
# The emitters that XLA:CPU has for fusions take half as long again as those it
# had before. Later versions have no others, and refuse flags they do not know.
if metadata.version('jaxlib').startswith('0.10.'):
  _COMPILE_FAST.append('--xla_cpu_use_fusion_emitters=false')
os.environ['XLA_FLAGS'] = ' '.join(
    [os.environ.get('XLA_FLAGS', ''), *_COMPILE_FAST]
)

# PyTorch's builds for GPUs bring Triton, which ends the process with a
# segmentation fault if TensorFlow was loaded before it.
with contextlib.suppress(ImportError):
  import triton  # noqa: F401

import jax  # noqa: E402
import pytest  # noqa: E402

from audiolm_jax import executables  # noqa: E402

jax.config.update('jax_numpy_rank_promotion', 'raise')
jax.config.update('jax_num_cpu_devices', 8)
jax.config.update('jax_disable_most_optimizations', True)
# Runs that go on, tests that are alike and the next run of the tests compile
# most programs once. What tests start has no part in it.
_PROGRAMS = pathlib.Path(__file__).parents[1] / '.pytest_cache/programs'
jax.config.update('jax_compilation_cache_dir', str(_PROGRAMS))
jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.1)
jax.config.update('jax_persistent_cache_min_entry_size_bytes', -1)


# Memory of a process in which programs need not pile up any more.
_MOST_BYTES = 4e9


@pytest.fixture(autouse=True, scope='module')
def few_programs():
  """Drops compiled programs where they have come to fill the memory."""
  yield
  statm = pathlib.Path('/proc/self/statm')
  if not statm.exists():  # Not on macOS.
    return
  pages = int(statm.read_text().split()[1])
  if pages * os.sysconf('SC_PAGE_SIZE') > _MOST_BYTES:
    jax.clear_caches()


@pytest.fixture(scope='session', autouse=True)
def executables_of_this_process():
  """Keeps verbs that tests call from keeping executables for tests after them.

  Tests count what is traced; what outlives a process is tested in processes
  that tests start.
  """
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(executables, 'keep_in', lambda folder, purpose=None: None)
    yield


@pytest.fixture
def optimized():
  """Lets a test that computes for long have fast programs."""
  jax.config.update('jax_disable_most_optimizations', False)
  yield
  jax.config.update('jax_disable_most_optimizations', True)
