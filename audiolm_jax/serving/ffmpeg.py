"""FFmpeg, which Gradio streams with, where the system has none."""

import pathlib
import shutil

import imageio_ffmpeg

from audiolm_jax import cache


def folder() -> pathlib.Path | None:
  """A folder with a program `ffmpeg` in it; None if the PATH has one.

  The package imageio-ffmpeg brings the program under a name of its own.
  """
  if shutil.which('ffmpeg'):
    return None
  place = cache.folder() / 'ffmpeg'
  place.mkdir(parents=True, exist_ok=True)
  link = place / 'ffmpeg'
  link.unlink(missing_ok=True)
  link.symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
  return place
