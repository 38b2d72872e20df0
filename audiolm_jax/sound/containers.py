"""M4A, MP4, WebM, WMA and others that libsndfile does not read, by FFmpeg."""

import contextlib
import os
import shlex
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from audiolm_jax.errors import UserError

# Formats that hold sound themselves. Play-lists and the like, which name other
# files and addresses, are not opened for a stranger's file.
_FORMATS = (
    'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,asf,aac,amr,amrnb,amrwb,ac3,eac3,'
    'dts,dtshd,truehd,ape,wv,tta,mpc,mpc8,tak,rm,avi,flv,mpeg,mpegts,ogg,flac,'
    'mp3,wav,w64,aiff,caf,au,shorten,dsf,spx,qcp,loas'
)


class Container:
  """The first sound track of a file.

  Attributes:
    path: Path of the file.
    sample_rate: Hz.
    channels: Number of channels.
  """

  def __init__(self, path: str | os.PathLike, sample_rate: int, channels: int):
    self.path = path
    self.sample_rate = sample_rate
    self.channels = channels

  def blocks(self, skip: int = 0) -> Iterator[Float[np.ndarray, 'N C']]:
    """Decodes from sample `skip` on; what lies before is decoded, too."""
    with _open(self.path) as container, _naming(self.path):
      for block in _decoded(container):
        if skip < len(block):
          yield block[skip:]
        skip = max(skip - len(block), 0)


def open_container(path: str | os.PathLike, reason: str) -> Container:
  """Opens what libsndfile did not.

  Args:
    path: Path of a file.
    reason: Why libsndfile did not open it.

  Raises:
    UserError: The file holds no sound, or PyAV is not installed.
  """
  try:
    with _open(path) as container:
      context = container.streams.audio[0].codec_context
      rate = context.sample_rate if context else 0
      channels = context.channels if context else 0
  except ImportError as error:
    raise UserError(
        f'{path} is not audio that libsndfile reads ({reason}); install'
        f' audiolm_jax[formats], or convert it: {command(path)}'
    ) from error
  if not rate or not channels:
    raise UserError(f'{path} holds sound of a kind that FFmpeg does not know.')
  return Container(path, rate, channels)


def command(path: str | os.PathLike) -> str:
  """Returns what turns a file into one that is read, for a shell."""
  path = os.fspath(path)
  target = f'{os.path.splitext(path)[0]}.wav'
  if target == path:
    target = f'{path}.wav'
  return f'ffmpeg -i {shlex.quote(path)} -vn {shlex.quote(target)}'


@contextlib.contextmanager
def _open(path: str | os.PathLike) -> Iterator:
  import av

  with contextlib.ExitStack() as stack:
    try:
      name = f'file:{os.path.abspath(path)}'.encode().decode()
    except UnicodeEncodeError:  # PyAV takes no names but of UTF-8.
      name = stack.enter_context(open(path, 'rb'))
    try:
      container = av.open(name, options={'format_whitelist': _FORMATS})
    except (av.FFmpegError, ValueError) as error:
      raise UserError(
          f'{path} is not audio that libsndfile or FFmpeg reads'
          f' ({_said(error)}); convert it to WAV or FLAC.'
      ) from error
    stack.enter_context(container)
    if not container.streams.audio:
      raise UserError(f'{path} has no sound track.')
    yield container


@contextlib.contextmanager
def _naming(path: str | os.PathLike) -> Iterator[None]:
  import av

  try:
    yield
  except (av.FFmpegError, ValueError) as error:
    if isinstance(error, UserError):
      raise
    raise UserError(
        f'{path} is damaged ({_said(error)}); this may save what can be'
        f' saved: {command(path)}'
    ) from error


def _decoded(container) -> Iterator[Float[np.ndarray, 'N C']]:
  import av

  stream = container.streams.audio[0]
  context = stream.codec_context
  # Packed: PyAV crashes on the planes of more than eight channels.
  resampler = av.AudioResampler(
      format='flt', layout=context.layout, rate=context.sample_rate
  )
  for frame in container.decode(stream):
    frame.pts = None
    for block in resampler.resample(frame):
      yield block.to_ndarray().reshape(-1, context.channels)
  for block in resampler.resample(None):
    yield block.to_ndarray().reshape(-1, context.channels)


def _said(error: Exception) -> str:
  return getattr(error, 'strerror', None) or str(error)
