"""A package that is not installed is one line: what to install."""

import contextlib
import sys
from collections.abc import Iterator

# Imported modules by the extra of pyproject.toml that brings them; the first
# such extra is named.
EXTRAS = {
    'train': (
        'PIL',
        'apache_beam',
        'etils',
        'google.protobuf',
        'google_crc32c',
        'importlib_resources',
        'mido',
        'optax',
        'orbax',
        'seqio',
        'sentencepiece',
        'tensorboard',
        'tensorboardX',
        'tensorflow',
        'tensorflow_datasets',
    ),
    # Without TensorFlow. What else it brings, other commands of `train` need.
    'grain': ('grain', 'array_record'),
    'eval': (
        'faster_whisper',
        'jinja2',
        'librosa',
        'matplotlib',
        'mir_eval',
        'onnxruntime',
        'optax',
        'pesq',
        'rapidfuzz',
        'speechmos',
        'visqol',
        'whisper_normalizer',
    ),
    'formats': ('av',),
    'demo': ('gradio', 'fastapi', 'imageio_ffmpeg', 'matplotlib'),
    'hub': ('huggingface_hub',),
    'launch': ('attr', 'google.auth', 'kubernetes', 'xmanager'),
}


@contextlib.contextmanager
def named() -> Iterator[None]:
  """Turns a ModuleNotFoundError of an extra into a line and exit code 2."""
  try:
    yield
  except ModuleNotFoundError as error:
    extra = extra_of(error.name)
    if extra is None:
      raise
    print(
        f'Error: this needs the package {error.name}, which is not installed:'
        f" pip install 'audiolm_jax[{extra}]'.",
        file=sys.stderr,
    )
    sys.exit(2)


def extra_of(module: str | None) -> str | None:
  """Name of the extra that brings a module; None if none does."""
  for extra, packages in EXTRAS.items():
    if any(f'{module}.'.startswith(f'{package}.') for package in packages):
      return extra
  return None
