"""Tests data/shipped/decoding.py and data/shipped/real_speech.py."""

import gzip

import numpy as np
import pytest

from audiolm_jax import audio
from data.shipped import decoding, real_speech

RATE = 16000


def tone(hertz, seconds=1.0):
  return 0.3 * np.sin(2 * np.pi * hertz * np.arange(seconds * RATE) / RATE)


def recording(path, **fields):
  settings = dict(
      source='s', licence='CC0-1.0', name=path.stem, speaker='someone'
  )
  return real_speech.Recording(path=path, **(settings | fields))


@pytest.fixture
def recordings(tmp_path):
  found = []
  for number in range(20):
    path = tmp_path / f'{number:02d}.wav'
    audio.write(path, tone(100 + 10 * number), RATE)
    found.append(recording(path))
  return found


def convert(recordings, out, min_seconds=0.5):
  return decoding.convert(recordings, out, min_seconds, workers=1)


def test_one_utterance_in_twenty_is_dev_and_one_is_test(recordings, tmp_path):
  splits = [clip.split for clip in convert(recordings, tmp_path / 'out')]
  assert (splits.count('dev'), splits.count('test')) == (1, 1)


def test_the_same_recording_counts_once(recordings, tmp_path):
  copies = [r._replace(name=f'copy-{r.name}') for r in recordings]
  assert len(convert(recordings + copies, tmp_path / 'out')) == len(recordings)


def test_short_silent_and_broken_recordings_are_left_out(tmp_path):
  audio.write(tmp_path / 'good.wav', tone(200), RATE)
  audio.write(tmp_path / 'short.wav', tone(200, 0.3), RATE)
  audio.write(tmp_path / 'silent.wav', np.zeros(RATE), RATE)
  (tmp_path / 'broken.wav').write_bytes(b'RIFFraff')
  paths = sorted(tmp_path.glob('*.wav'))
  clips = convert([recording(path) for path in paths], tmp_path / 'out')
  assert [clip.path for clip in clips] == [str(tmp_path / 'out/s/good.flac')]


def test_second_run_rewrites_no_audio(recordings, tmp_path):
  first = convert(recordings[:3], tmp_path / 'out')
  times = [p.stat().st_mtime_ns for p in (tmp_path / 'out').rglob('*.flac')]
  assert convert(recordings[:3], tmp_path / 'out') == first
  assert times == [
      p.stat().st_mtime_ns for p in (tmp_path / 'out').rglob('*.flac')
  ]


def test_labels_lie_beside_the_audio(tmp_path):
  audio.write(tmp_path / 'a.wav', tone(200), RATE)
  (clip,) = convert(
      [recording(tmp_path / 'a.wav', labels=((0.0, 0.2, 'k'),))],
      tmp_path / 'out',
  )
  assert open(clip.labels).read() == '0.0000\t0.2000\tk\n'


@pytest.fixture
def asterisk(tmp_path):
  """A cache in which both languages of two packages have been fetched."""
  g722 = pytest.importorskip('G722')
  texts = {
      'hello': 'Pronto.',
      'digits/1': 'uno',
      'beep': '[a beep]',
      'bell': '[sound of a bell]',
  }
  for language, speaker in (('it', 'it_IT_m_Carlo'), ('en', 'en_US_f_Allison')):
    package = tmp_path / f'debian/asterisk-core-sounds-{language}'
    document = package / f'usr/share/doc/{package.name}'
    document.mkdir(parents=True)
    lines = '\n'.join(f'{name}: {text}' for name, text in texts.items())
    (document / f'core-sounds-{language}.txt.gz').write_bytes(
        gzip.compress(f'; comment\n\n{lines}\n'.encode())
    )
    sounds = tmp_path / f'debian/{package.name}-g722/usr/share/asterisk/sounds'
    for index, name in enumerate(texts):
      path = sounds / speaker / f'{name}.g722'
      path.parent.mkdir(parents=True, exist_ok=True)
      samples = (tone(300 + 100 * index) * 2**15).astype(np.int16)
      path.write_bytes(g722.G722(16000, 64000).encode(samples))
  return tmp_path


def test_asterisk_gives_words_and_leaves_out_noises(asterisk):
  found = list(real_speech.asterisk(('it',), asterisk))
  assert {(r.name, r.transcript) for r in found} == {
      ('hello', 'Pronto.'),
      ('digits-1', 'uno'),
  }


def test_asterisk_speakers_keep_to_one_split(asterisk):
  found = list(real_speech.asterisk(('it', 'en'), asterisk))
  splits = {(r.speaker, r.split) for r in found}
  assert splits == {('it_IT_m_Carlo', 'test'), ('Allison', 'train')}


def test_g722_is_decoded_to_the_right_pitch_and_level(asterisk):
  recording = next(real_speech.asterisk(('it',), asterisk))
  waveform = decoding.decode(recording.path)
  spectrum = np.abs(np.fft.rfft(waveform))
  hertz = np.argmax(spectrum) * RATE / len(waveform)
  assert abs(hertz - 400) < 5  # digits/1 is the second text.
  assert abs(np.std(waveform) - np.std(tone(400))) < 0.02


def test_phone_times_follow_each_other(tmp_path):
  path = tmp_path / 'a.lab'
  path.write_text('signal a\n#\n0.342 125 pau\n0.392 125 k\n0.5 125 ay\n')
  assert real_speech.read_phones(path) == (
      (0.0, 0.342, 'pau'),
      (0.342, 0.392, 'k'),
      (0.392, 0.5, 'ay'),
  )
