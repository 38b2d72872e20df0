"""Lists audio that you have as a corpus: one adapter for each kind of source.

  audiolm corpus folder      a folder or a glob, in any format that can be read
  audiolm corpus librilight  Libri-Light, its speakers and its books
  audiolm corpus maestro     MAESTRO, its pieces, notes and splits
  audiolm corpus tfds        any set of TensorFlow Datasets that has audio
  audiolm corpus join        long recordings of the short ones of a manifest

`audiolm corpus ADAPTER --help` shows the flags of an adapter, with examples.
Each writes a manifest: JSON lines, one clip a line, for `audiolm extract` and
`audiolm train`.
"""

import runpy
import sys

MODULES = {
    'folder': 'folder',
    'librilight': 'librilight',
    'maestro': 'maestro',
    'tfds': 'tfds_audio',
    'join': 'join',
}


def run() -> None:
  """Runs the adapter as if it had been started itself."""
  name = sys.argv[1] if len(sys.argv) > 1 else None
  if name in ('help', '-h', '--help', '--helpfull'):
    print(__doc__.strip())
    return
  if name not in MODULES:
    asked = f'there is no adapter {name!r}' if name else 'name an adapter'
    print(
        f'Error: audiolm corpus: {asked}; there are {", ".join(MODULES)}.',
        file=sys.stderr,
    )
    sys.exit(2)
  del sys.argv[1]
  # By name: adapters stand above the verbs, whose flags and errors they use.
  module = f'audiolm_jax.adapters.{MODULES[name]}'
  runpy.run_module(module, run_name='__main__', alter_sys=True)


if __name__ == '__main__':
  run()
