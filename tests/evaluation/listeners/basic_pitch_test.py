"""Tests `audiolm_jax/evaluation/listeners/basic_pitch.py`."""

import importlib.util

import numpy as np
import pytest

from audiolm_jax.evaluation.listeners import basic_pitch
from audiolm_jax.evaluation.tables import Missing

SAMPLE_RATE = 16000
FRAMES_PER_SECOND = 22050 / 256


def activations(*notes, num_frames=200):
  """Keys that are on from one frame to another, struck where they begin."""
  active, onsets = np.zeros((2, num_frames, 88), np.float32)
  for start, end, key in notes:
    active[start:end, key] = 0.8
    onsets[start, key] = 0.9
  return active, onsets


def frames_of(notes):
  return sorted(
      (
          round(note.start_seconds * FRAMES_PER_SECOND),
          round(note.end_seconds * FRAMES_PER_SECOND),
          note.pitch - 21,
      )
      for note in notes
  )


def test_notes_are_read_where_they_are_written():
  written = [(10, 60, 39), (20, 50, 43), (100, 180, 0), (100, 180, 87)]
  found = basic_pitch.notes_of(*activations(*written))
  assert frames_of(found) == written
  assert found[0].velocity == pytest.approx(0.8)


def test_a_key_that_is_struck_again_is_two_notes():
  found = basic_pitch.notes_of(*activations((10, 60, 39), (60, 120, 39)))
  assert frames_of(found) == [(10, 60, 39), (60, 120, 39)]


def test_a_gap_of_a_moment_does_not_end_a_note_and_a_rest_does():
  active, onsets = activations((10, 80, 39))
  active[30:36, 39] = 0.0
  assert frames_of(basic_pitch.notes_of(active, onsets)) == [(10, 80, 39)]
  active[30:50, 39] = 0.0
  assert frames_of(basic_pitch.notes_of(active, onsets)) == [(10, 30, 39)]


def test_blips_and_what_is_not_struck_are_no_notes():
  active, onsets = activations((10, 15, 39), (40, 90, 50))
  onsets[40, 50] = 0.3
  assert not basic_pitch.notes_of(active, onsets)


class Ramp:
  """A network whose activation is the sample in the middle of a frame."""

  def get_inputs(self):
    return [self]

  name = 'input'

  def run(self, outputs, inputs):
    windows = inputs['input'][..., 0]
    assert windows.shape[1] == 43844
    frames = windows[:, : 171 * 256 : 256]
    frames = np.pad(frames, ((0, 0), (0, 1)), mode='edge')
    return [np.repeat(frames[..., None], 88, axis=-1)] * len(outputs)


@pytest.mark.parametrize('seconds', [0.5, 2.0, 7.0])
def test_windows_join_without_a_gap(seconds, monkeypatch):
  seen = []
  monkeypatch.setattr(
      basic_pitch, 'notes_of', lambda active, _: seen.append(active[:, 0]) or []
  )
  ramp = np.arange(round(seconds * 22050), dtype=np.float32)
  basic_pitch._transcribe(Ramp(), ramp, 22050)
  wanted = 256 * np.arange(len(ramp) // 256)
  np.testing.assert_array_equal(seen[0], wanted)


def test_a_missing_package_is_said(monkeypatch):
  monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
  why = basic_pitch.transcriber()
  assert isinstance(why, Missing) and '--no-deps' in why.why


def test_the_network_hears_what_is_played(played):
  pytest.importorskip('onnxruntime')
  transcribe = basic_pitch.transcriber()
  if isinstance(transcribe, Missing):
    pytest.skip(transcribe.why)
  waveform = played((60, 64, 67), 1.0, 6.0)
  notes = transcribe(waveform, SAMPLE_RATE)
  assert {60, 64, 67} <= {note.pitch for note in notes}
  for pitch in (60, 64, 67):
    starts = [note.start_seconds for note in notes if note.pitch == pitch]
    assert len(starts) == 6
    np.testing.assert_allclose(starts, np.arange(6), atol=0.05)
