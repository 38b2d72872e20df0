"""A continuation as a picture: waveform, spectrogram, the detector's doubts."""

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from audiolm_jax.audio import Sound
from audiolm_jax.evaluation.metrics import mel

# Blue and orange that readers who see red and green alike tell apart.
_PROMPT, _MADE = '#0072b2', '#e69f00'
_DPI = 110


def draw(
    sound: Sound, prompt_seconds: float, generated: Float[np.ndarray, ' T']
) -> UInt8[np.ndarray, 'Y X 4']:
  """Draws three panels above each other, with the same seconds.

  Args:
    sound: The prompt and its continuation.
    prompt_seconds: Place of the border, in seconds; no border at 0.
    generated: Probability that each second is generated; NaN where nothing is
      known.

  Returns:
    Pixels, red, green, blue and opacity.
  """
  figure = Figure(figsize=(9, 4.6), dpi=_DPI, layout='constrained')
  canvas = FigureCanvasAgg(figure)
  panels = figure.subplots(3, 1, sharex=True, height_ratios=(2, 4, 1))
  _waveform(panels[0], sound, prompt_seconds)
  _spectrogram(panels[1], sound)
  _verdict(panels[2], generated)
  seconds = len(sound.samples) / sound.sample_rate
  for axes, colour in zip(panels, ('black', 'white', 'black'), strict=True):
    axes.set_xlim(0, seconds)
    if prompt_seconds:
      axes.axvline(prompt_seconds, color=colour, linewidth=1.5, linestyle='--')
  panels[2].set_xlabel('seconds')
  canvas.draw()
  return np.asarray(canvas.buffer_rgba()).copy()


def _waveform(axes: Any, sound: Sound, prompt_seconds: float) -> None:
  """Draws the highest and the lowest sample of every hundredth of a second."""
  width = max(sound.sample_rate // 100, 1)
  whole = len(sound.samples) // width * width
  groups = sound.samples[:whole].reshape(-1, width)
  at = np.arange(len(groups)) * width / sound.sample_rate
  for mask, colour in (
      (at < prompt_seconds, _PROMPT),
      (at >= prompt_seconds, _MADE),
  ):
    low, high = groups[mask].min(axis=1), groups[mask].max(axis=1)
    axes.fill_between(at[mask], low, high, color=colour)
  end = len(sound.samples) / sound.sample_rate
  if prompt_seconds:
    _name(axes, prompt_seconds / 2 / end, 'prompt', _PROMPT)
    middle = (prompt_seconds + end) / 2 / end
    _name(axes, middle, 'continuation', _MADE)
  peak = float(np.abs(groups).max(initial=0.01)) * 1.1
  axes.set_ylim(-peak, peak)
  axes.set_yticks([])
  axes.set_ylabel('waveform', fontsize=8)


def _name(axes: Any, place: float, text: str, colour: str) -> None:
  """Writes above a panel, `place` of its width from its left end."""
  axes.text(
      place,
      1.03,
      text,
      color=colour,
      ha='center',
      va='bottom',
      transform=axes.transAxes,
  )


def _spectrogram(axes: Any, sound: Sound) -> None:
  bands = mel.log_mel_db(sound.samples, sound.sample_rate).T
  seconds = len(sound.samples) / sound.sample_rate
  axes.imshow(
      bands,
      origin='lower',
      aspect='auto',
      vmin=bands.max() - mel.DYNAMIC_RANGE_DB,
      extent=(0, seconds, 0, len(bands)),
  )
  axes.set_ylabel('mel band', fontsize=8)


def _verdict(axes: Any, generated: Float[np.ndarray, ' T']) -> None:
  axes.bar(np.arange(len(generated)), generated, 1, align='edge', color=_MADE)
  axes.axhline(0.5, color='#999999', linewidth=0.5)
  axes.set_ylim(0, 1)
  axes.set_ylabel('detector:\ngenerated', fontsize=8)
