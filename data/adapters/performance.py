"""A piano performance: when each key goes down and up, and the pedal."""

import bisect
from collections.abc import Iterator
from typing import NamedTuple

import mido
import numpy as np
from jaxtyping import Float

from audiolm_jax.adapters.recording import Label
from audiolm_jax.errors import UserError

# Errors of mido where a file is odd: it reads all events, keys of nine flats
# and tempos of no bytes among them.
_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    ZeroDivisionError,
    mido.KeySignatureError,
)
_SUSTAIN = 64  # Controller number; down from half way.


class Performance(NamedTuple):
  """A pianist's notes and pedalling.

  Attributes:
    notes: Onset and release in seconds, MIDI pitch, velocity 1 to 127.
    pedal: Seconds at which the sustain pedal goes down and up.
  """

  notes: Float[np.ndarray, 'L 4']
  pedal: Float[np.ndarray, 'S 2']

  def labels(self) -> Iterator[Label]:
    """Key presses as (start, end, MIDI pitch)."""
    for start, end, pitch, _ in self.notes:
      yield start, end, int(pitch)


def read_midi(path) -> Performance:
  """Reads a standard MIDI file; percussion is left out.

  Raises:
    UserError: The file is not MIDI, or has no notes.
  """
  try:
    messages = list(mido.MidiFile(path, clip=True))
  except _ERRORS as error:
    why = f'{error}'.rstrip('.') or 'it ends too early'
    raise UserError(f'{path} is not a MIDI file: {why}.') from error
  notes, pedal = _follow(messages)
  if not notes:
    raise UserError(f'{path} has no notes.')
  return Performance(
      np.array(sorted(notes), float), np.array(sorted(pedal)).reshape(-1, 2)
  )


def _follow(messages):
  """Pairs what goes down with what comes up, in the order of time."""
  notes, pedal, time = [], [], 0.0
  keys, feet = {}, {}
  for message in messages:
    time += message.time
    channel = getattr(message, 'channel', None)
    if channel == 9:
      continue
    if message.type in ('note_on', 'note_off'):
      key = channel, message.note
      if key in keys:
        start, velocity = keys.pop(key)
        notes.append((start, max(time, start + 0.05), message.note, velocity))
      if message.type == 'note_on' and message.velocity:
        keys[key] = time, message.velocity
    elif message.is_cc(_SUSTAIN):
      if message.value >= 64:
        feet.setdefault(channel, time)
      elif channel in feet:
        pedal.append((feet.pop(channel), time))
  pedal += [(start, time) for start in feet.values() if start < time]
  return notes, pedal


def sustained(performance: Performance) -> Float[np.ndarray, 'L 4']:
  """The notes, each held for as long as the pedal keeps it sounding."""
  notes = performance.notes.copy()
  downs = performance.pedal[:, 0].tolist()
  for note in notes:
    last = bisect.bisect_right(downs, note[1]) - 1
    if last >= 0:
      note[1] = max(note[1], performance.pedal[last, 1])
  return notes
