"""Small files of every kind that this package reads, and how it reads them."""

import hashlib
import io
import json
import pathlib
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
import soundfile

from audiolm_jax import audio, corpus, described
from audiolm_jax.bundle import folder as bundle_folder
from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.parts import Part
from audiolm_jax.corpus import Clip
from audiolm_jax.tokens.store import shards, store
from audiolm_jax.tokens.store.records import Record
from audiolm_jax.training.state import unbox

Read = Callable[[], object]

# Names of the kinds in a table.
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


# A path for each kind that may be damaged, and what then reads it.
CASES = dict(
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
