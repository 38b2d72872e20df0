"""audiolm VERB [flags]: everything from a waveform to its continuation.

  audiolm generate      continue recordings with a trained model
  audiolm import        take over a public codec or speech model
  audiolm corpus        list audio that you have
  audiolm extract       turn audio into tokens
  audiolm cluster       fit the k-means that makes semantic tokens
  audiolm choose-layer  compare layers as sources of semantic tokens
  audiolm train         train any of the models from a Gin file
  audiolm finetune      let a model learn on from your own recordings
  audiolm probe         judge semantic tokens: what is understood of them
  audiolm bundle        put trained parts into a folder that one can hand over
  audiolm evaluate      measure a model, and what it generated
  audiolm detect        tell continuations from originals, second by second
  audiolm serve         open a page on which one hears a model

`audiolm VERB --help` shows the flags of a verb, with examples; `audiolm
--version` says which version this is.
"""

import gc
import importlib.util
import keyword
import runpy
import sys

import audiolm_jax
from audiolm_jax.cli import extras, interrupts

_OBJECTS_BEFORE_COLLECTION = 50_000  # Python's own: 700.

VERBS = tuple(
    line.split()[1]
    for line in __doc__.splitlines()
    if line[:10] == '  audiolm '
)


def run() -> None:
  """Runs `audiolm_jax.cli.VERB` as if it had been started itself."""
  verb = sys.argv[1] if len(sys.argv) > 1 else '--help'
  if verb in ('help', '-h', '--help', '--helpfull'):
    print(__doc__.strip())
    return
  if verb in ('version', '--version'):
    print(f'audiolm_jax {audiolm_jax.__version__}')
    return
  if verb not in _available():
    print(
        f'audiolm has no verb {verb!r}; it has {", ".join(_available())}.',
        file=sys.stderr,
    )
    sys.exit(2)
  del sys.argv[1]
  # Imports make many objects that stay: to look through them again and again
  # takes a tenth of a short command.
  gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
  # From the first import on, not only while the verb works.
  with interrupts.in_one_line(), extras.named():
    runpy.run_module(module_of(verb), run_name='__main__', alter_sys=True)


def module_of(verb: str) -> str:
  """The module that holds the help and the flags of a verb."""
  name = verb.replace('-', '_')
  return f'audiolm_jax.cli.{name}{"_" * keyword.iskeyword(verb)}'


def _available() -> list[str]:
  return [verb for verb in VERBS if importlib.util.find_spec(module_of(verb))]


if __name__ == '__main__':
  run()
