"""Tests data/adapters/performance.py and data/shipped/midi_pieces.py."""

import mido
import numpy as np
import pytest

from audiolm_jax.adapters.performance import Performance, read_midi, sustained
from audiolm_jax.errors import UserError

SECOND = 960  # Ticks, at mido's default 480 a beat and 120 beats a minute.


def midi(path, *messages):
  file = mido.MidiFile()
  file.tracks.append(mido.MidiTrack(messages))
  file.save(path)
  return path


def test_notes_and_pedal_come_at_their_times(tmp_path):
  path = midi(
      tmp_path / 'a.mid',
      mido.Message('control_change', control=64, value=127),
      mido.Message('note_on', note=60, velocity=80, time=SECOND),
      mido.Message('note_on', note=64, velocity=50, time=SECOND),
      mido.Message('note_off', note=60, time=SECOND),
      mido.Message('note_on', note=64, velocity=0, time=SECOND),
      mido.Message('control_change', control=64, value=0, time=SECOND),
  )
  notes, pedal = read_midi(path)
  np.testing.assert_allclose(notes, [[1, 3, 60, 80], [2, 4, 64, 50]])
  np.testing.assert_allclose(pedal, [[0, 5]])


def test_tempo_changes_are_followed(tmp_path):
  path = midi(
      tmp_path / 'a.mid',
      mido.MetaMessage('set_tempo', tempo=1_000_000),
      mido.Message('note_on', note=60, velocity=80, time=SECOND),
      mido.Message('note_off', note=60, time=SECOND),
  )
  assert read_midi(path).notes[0, :2].tolist() == [2.0, 4.0]


def test_key_struck_twice_gives_two_notes(tmp_path):
  path = midi(
      tmp_path / 'a.mid',
      mido.Message('note_on', note=60, velocity=80),
      mido.Message('note_on', note=60, velocity=70, time=SECOND),
      mido.Message('note_off', note=60, time=SECOND),
  )
  assert read_midi(path).notes[:, :2].tolist() == [[0, 1], [1, 2]]


def test_drums_are_not_piano(tmp_path):
  path = midi(
      tmp_path / 'a.mid',
      mido.Message('note_on', channel=9, note=60, velocity=80),
      mido.Message('note_off', channel=9, note=60, time=SECOND),
  )
  with pytest.raises(UserError, match='no notes'):
    read_midi(path)


@pytest.mark.parametrize('content', [b'', b'MThd', b'RIFF' * 30])
def test_what_is_not_midi_is_named(tmp_path, content):
  (tmp_path / 'a.mid').write_bytes(content)
  with pytest.raises(UserError, match='a.mid'):
    read_midi(tmp_path / 'a.mid')


def test_pedal_holds_notes_released_under_it_only():
  performance = Performance(
      notes=np.array([[0, 1, 60, 80], [0, 5, 62, 80], [6, 7, 64, 80.0]]),
      pedal=np.array([[0.5, 3.0]]),
  )
  assert sustained(performance)[:, 1].tolist() == [3.0, 5.0, 7.0]


def test_labels_are_keys_and_not_the_pedal():
  performance = Performance(np.array([[0, 1, 60, 80.0]]), np.array([[0, 9.0]]))
  assert list(performance.labels()) == [(0, 1, 60)]


def _midi(division=b'\x01\xe0', events=b'', end=b'\0\xff\x2f\0'):
  track = events + b'\0\x90\x3c\x50\x60\x80\x3c\x40' + end
  head = b'MThd\0\0\0\6\0\1\0\1' + division
  return head + b'MTrk' + len(track).to_bytes(4, 'big') + track


def test_a_plain_file_is_read(tmp_path):
  (tmp_path / 'x.mid').write_bytes(_midi())
  ((start, end, pitch),) = read_midi(tmp_path / 'x.mid').labels()
  assert (start, pitch) == (0, 60) and end > 0


@pytest.mark.parametrize(
    'content',
    [
        _midi(events=b'\0\xff\x59\2\xf7\0'),  # Nine flats.
        _midi(events=b'\0\xff\x59\2\x0a\0'),  # Ten sharps.
        _midi(events=b'\0\xff\x59\2\0\7'),  # A mode that is none.
        _midi(events=b'\0\xff\x51\2\1\1'),  # A tempo of two bytes.
        _midi(events=b'\0\xf9'),  # A status that is none.
        _midi(division=b'\0\0'),
        _midi()[:-6],
        b'',
        b'RIFF',
    ],
)
def test_an_odd_file_is_refused_in_one_line(tmp_path, content):
  (tmp_path / 'x.mid').write_bytes(content)
  with pytest.raises(UserError, match='x.mid is not a MIDI file: .'):
    read_midi(tmp_path / 'x.mid')
