r"""Damages files at random: what reads them reads on, or refuses in one line.

  python -m bench.fuzz --seconds=60
  python -m bench.fuzz --seconds=3600 --kinds=audio --seed=7 --keep=/tmp/found

Small files of each kind (audio of many formats, shards and descriptions of a
token store, a bundle, a manifest) are mutated and read as the verbs read them.
Another exception than UserError, ten seconds for one file, or memory that grows
by a gigabyte is a fault: it is printed, the mutant is kept in --keep, and the
exit code is 1. One JSON object a kind; with --page the table of a page, such as
docs/robustness.md, is written anew.
"""

import collections
import contextlib
import hashlib
import io
import json
import pathlib
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import soundfile
from absl import app, flags

from audiolm_jax import audio, corpus, described
from audiolm_jax.bundle import folder as bundle_folder
from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.parts import Part
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.tokens.store import shards, store
from audiolm_jax.tokens.store.records import Record
from audiolm_jax.training.state import unbox

# What each kind is called in a table.
KINDS = {
    'audio': 'audio: WAV, FLAC, Ogg, MP3, AIFF, CAF, AU',
    'shard': 'shard of a token store',
    'store': 'store.json',
    'bundle': 'bundle.json',
    'weights': 'weights of a bundle',
    'manifest': 'manifest of a corpus',
    'unsealed': 'store.json and bundle.json without their digest',
    'forged': 'weights of a bundle whose digest is made to fit',
}
SECONDS = flags.DEFINE_float('seconds', 60.0, 'Seconds for all kinds together.')
SEED = flags.DEFINE_integer('seed', 0, 'Seed of the mutations.')
CHOSEN = flags.DEFINE_multi_enum(
    'kinds', list(KINDS), list(KINDS), 'Kinds to damage.'
)
PAGE = flags.DEFINE_string('page', None, 'Markdown page that has the table.')
KEEP = flags.DEFINE_string('keep', None, 'Folder that gets mutants at fault.')

# The table of a page: its header, and all lines that follow with a bar.
_TABLE = re.compile(r'^\| kind \| tried .*\n(\|.*\n)*', re.MULTILINE)
_MOST_SECONDS = 10
_MOST_BYTES = 1 << 30
_FORMATS = (
    ('WAV', 'PCM_16'),
    ('WAV', 'IMA_ADPCM'),
    ('FLAC', 'PCM_16'),
    ('OGG', 'VORBIS'),
    ('MP3', 'MPEG_LAYER_III'),
    ('AIFF', 'PCM_16'),
    ('CAF', 'ALAC_16'),
    ('AU', 'PCM_16'),
)

Read = Callable[[], object]


def main(argv: Sequence[str]) -> None:
  del argv
  found = {}
  with tempfile.TemporaryDirectory() as folder:
    for kind in CHOSEN.value:
      found[kind] = fuzz(
          kind,
          pathlib.Path(folder, kind),
          SEED.value,
          _for(SECONDS.value / len(CHOSEN.value)),
          KEEP.value,
      )
      print(json.dumps({'kind': kind, **found[kind]}), flush=True)
  if PAGE.value:
    page = pathlib.Path(PAGE.value)
    page.write_text(_TABLE.sub(table(found), page.read_text(), count=1))
  sys.exit(1 if any(counts['faults'] for counts in found.values()) else 0)


def _for(seconds: float) -> Callable[[int], bool]:
  """Goes on for so many seconds from the first question on."""
  ends = []

  def goes_on(number: int) -> bool:
    if not number:
      ends.append(time.monotonic() + seconds)
    return time.monotonic() < ends[0]

  return goes_on


def table(found: Mapping[str, Mapping[str, int]]) -> str:
  """Markdown: a row for each kind."""
  columns = ('tried', 'read', 'refused', 'faults')
  rows = [
      (KINDS[kind], *(counts[column] for column in columns))
      for kind, counts in found.items()
  ]
  return tables.grid(('kind', *columns), rows)


def fuzz(
    kind: str,
    folder: pathlib.Path,
    seed: int,
    goes_on: Callable[[int], bool],
    keep: str | None = None,
) -> dict[str, int]:
  """Damages and reads files of a kind for as long as it `goes_on`.

  Returns:
    How many were tried, read, refused, and at fault.
  """
  folder.mkdir(parents=True)
  counts = collections.Counter(tried=0, read=0, refused=0, faults=0)
  draws = np.random.default_rng(seed)
  cases = list(_CASES[kind](folder))
  memory = _memory()
  while goes_on(counts['tried']):
    path, read = cases[draws.integers(len(cases))]
    whole = path.read_bytes()
    path.write_bytes(mutant(whole, draws))
    outcome = _outcome(read)
    if _memory() > memory + _MOST_BYTES:
      outcome, memory = 'faults', _memory()
      print(f'{path.name}: memory grows', file=sys.stderr)
    if outcome == 'faults' and keep:
      pathlib.Path(keep).mkdir(parents=True, exist_ok=True)
      name = f'{kind}-{seed}-{counts["tried"]}-{path.name}'
      pathlib.Path(keep, name).write_bytes(path.read_bytes())
    path.write_bytes(whole)
    counts.update({'tried': 1, outcome: 1})
  return dict(counts)


def mutant(content: bytes, draws: np.random.Generator) -> bytes:
  """One to three changes of a file, as disks, copies and people make them."""
  changed = bytearray(content)
  for _ in range(draws.integers(1, 4)):
    start, stop = sorted(draws.integers(0, len(changed) + 1, 2))
    stop = min(stop, start + int(2 ** draws.uniform(0, 12)))
    what = draws.integers(6)
    if what == 0:  # Some flipped bits, often in the header.
      top = max(min(len(changed), int(2 ** draws.uniform(3, 24))), 1)
      for at in draws.integers(0, top, draws.integers(1, 9)):
        if at < len(changed):
          changed[at] ^= 1 << int(draws.integers(8))
    elif what == 1:
      del changed[stop:]
    elif what == 2:
      del changed[start:stop]
    elif what == 3:
      changed[start:start] = changed[start:stop]
    elif what == 4:
      changed[start:stop] = draws.bytes(stop - start)
    else:
      changed[start:stop] = bytes(stop - start)
  return bytes(changed)


def _outcome(read: Read) -> str:
  try:
    with _limit(_MOST_SECONDS):
      read()
  except UserError:
    return 'refused'
  # Whatever it is, it is what this looks for.
  except Exception:  # noqa: BLE001
    traceback.print_exc()
    return 'faults'
  return 'read'


@contextlib.contextmanager
def _limit(seconds: int) -> Iterator[None]:
  def late(signum, frame):
    raise TimeoutError(f'It took {seconds} s.')

  previous = signal.signal(signal.SIGALRM, late)
  signal.alarm(seconds)
  try:
    yield
  finally:
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


def _memory() -> int:
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _audio(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, Read]]:
  chirp = 0.3 * np.sin(1e-4 * np.arange(8000) ** 2)
  for form, subtype in _FORMATS:
    path = folder / f'{subtype}.{form.lower()}'
    content = io.BytesIO()
    soundfile.write(content, chirp, 16000, subtype, format=form)
    path.write_bytes(content.getvalue())
    yield path, lambda path=path: audio.read(path, 16000)
    yield path, lambda path=path: audio.num_samples(path, 16000)


def _tokens(folder: pathlib.Path) -> pathlib.Path:
  draws = np.random.default_rng(0)
  records = [
      Record(
          f'{clip}.wav',
          draws.integers(0, 6, 40),
          draws.integers(0, 9, (40, 4)),
          1.6,
          'train',
      )
      for clip in range(4)
  ]
  sizes = {'hop_length': 640, 'codebook_size': 9}
  tokenizers = {
      'semantic': {'fingerprint': 'aa', **sizes},
      'acoustic': {'fingerprint': 'bb', **sizes, 'num_quantizers': 4},
  }
  path = shards.path_of(str(folder), 'train', 0, 1)
  listed = {pathlib.Path(path).name: shards.write(path, records)._asdict()}
  splits = {'train': {'clips': 4, 'seconds': 6.4}}
  metadata = store.Metadata(16000, tokenizers, splits, listed)
  store.write_metadata(str(folder), metadata)
  return pathlib.Path(path)


def _shard(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, Read]]:
  path = _tokens(folder)
  yield path, lambda: list(store.read(str(folder), 'train'))


def _store(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, Read]]:
  _tokens(folder)
  yield folder / store.METADATA, lambda: list(store.read(str(folder), 'train'))


def _bundled(folder: pathlib.Path) -> None:
  config = {
      'kind': 'classifier',
      'labels': ['original', 'generated'],
      'channels': [4, 4],
      'num_mels': 8,
      'sample_rate': 16000,
  }
  waveform = jnp.zeros((1, config['sample_rate']))
  variables = parts.build(config).init(jax.random.key(0), waveform)
  part = Part(config, unbox(dict(variables)))
  bundle_folder.write(folder, {'classifier': part}, '')


def _bundle(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, Read]]:
  _bundled(folder)
  yield folder / 'bundle.json', lambda: bundle_folder.read(folder)


def _weights(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, Read]]:
  _bundled(folder)
  path = folder / 'classifier.safetensors'
  yield path, lambda: bundle_folder.read(folder)


def _manifest(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, Read]]:
  path = folder / 'manifest.jsonl'
  clips = [
      Clip(str(folder / f'{name}.flac'), 2.5, 'train', 'made', 'CC0-1.0', name)
      for name in ('Anna', 'Jörg', '李')
  ]
  corpus.write_manifest(path, clips)
  yield path, lambda: corpus.read_manifest(path)


def _unsealed(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, Read]]:
  """Descriptions as earlier versions wrote them: no digest tells of damage."""
  for name in ('store', 'bundle'):
    (folder / name).mkdir()
  _tokens(folder / 'store')
  _bundled(folder / 'bundle')
  paths = folder / 'store' / store.METADATA, folder / 'bundle' / 'bundle.json'
  for path in paths:
    contents = json.loads(path.read_text())
    del contents['seal']
    path.write_text(json.dumps(contents))

  def build():
    for part in bundle_folder.read(folder / 'bundle').values():
      parts.build(part.config)

  yield paths[0], lambda: list(store.read(str(folder / 'store'), 'train'))
  yield paths[1], build


def _forged(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, Read]]:
  """Weights with a digest that fits, as somebody who wants harm would write."""
  _bundled(folder)
  path = folder / 'classifier.safetensors'

  def read():
    index = json.loads((folder / 'bundle.json').read_text())
    del index['seal']
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    index['parts']['classifier']['sha256'] = digest
    (folder / 'bundle.json').write_text(described.write(index))
    _ = Bundle.load(folder).classifier

  yield path, read


_CASES = dict(
    zip(
        KINDS,
        (
            _audio,
            _shard,
            _store,
            _bundle,
            _weights,
            _manifest,
            _unsealed,
            _forged,
        ),
        strict=True,
    )
)


if __name__ == '__main__':
  app.run(main)
