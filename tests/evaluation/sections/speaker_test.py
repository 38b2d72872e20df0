"""Tests audiolm_jax/evaluation/sections/speaker.py."""

import numpy as np
import pytest

from audiolm_jax.audio import Sound
from audiolm_jax.evaluation.sections import speaker
from audiolm_jax.evaluation.sections.speaker import Spoken

KNOWN = ('a', 'b', 'c', 'd')


def who_speaks(sound):
  """The speaker is the level, of which a classifier may hear anything."""
  return KNOWN[int(round(float(np.mean(sound.samples)))) % 4]


def spoken(levels, speakers):
  waveforms = [np.full(10, level, np.float32) for level in levels]
  return Spoken([Sound(each, 16000) for each in waveforms], speakers)


def test_accuracy_is_the_share_of_known_speakers_heard():
  clips = spoken([0, 1, 3, 3, 0], ['a', 'b', 'c', 'd', 'stranger'])
  figure = speaker.accuracy(who_speaks, clips, KNOWN)
  assert figure.value == 75
  assert (figure.num_clips, figure.num_groups) == (4, 4)


def test_other_voices_are_worse():
  right = spoken([0, 1, 2, 3] * 5, [*KNOWN] * 5)
  wrong = spoken([1, 2, 3, 0] * 5, [*KNOWN] * 5)
  sets = {speaker.CONTINUATION: right, speaker.ACOUSTIC_GENERATION: wrong}
  table = speaker.table(who_speaks, KNOWN, sets)
  assert [row[1].value for row in table.rows] == [100, 0]
  assert [row[3] for row in table.rows] == [92.6, 3.2]
  assert '25.0 %' in table.note


def test_nobody_known_is_no_figure():
  figure = speaker.accuracy(who_speaks, spoken([0], ['x']), KNOWN)
  assert figure.num_clips == 0 and figure.value != pytest.approx(0)
