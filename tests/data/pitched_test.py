"""Copies of a corpus at other pitches: more voices, none of them held out."""

import numpy as np
import pytest
import soundfile

from audiolm_jax.corpus import Clip, read_manifest, write_manifest
from audiolm_jax.errors import UserError
from data.shipped import pitched

_RATE = 16000


@pytest.fixture(name='corpus')
def _corpus(tmp_path):
  time = np.arange(2 * _RATE) / _RATE
  clips = []
  for name, split in (('a', 'train'), ('b', 'train'), ('c', 'test')):
    path = tmp_path / f'{name}.flac'
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 400 * time), _RATE)
    clips.append(Clip(str(path), 2.0, split, 'tones', 'CC0', speaker=name))
  write_manifest(tmp_path / 'manifest.jsonl', clips)
  return tmp_path


def _run(corpus, *flags):
  pitched.FLAGS.unparse_flags()
  pitched.FLAGS(['pitched', '--workers=1', *flags])
  out = corpus / 'out'
  pitched.main(['pitched', str(corpus / 'manifest.jsonl'), str(out)])
  return read_manifest(out / 'manifest.jsonl')


def test_each_version_is_as_high_as_its_speaker_is_called(corpus):
  clips = _run(corpus, '--versions=3')
  assert len(clips) == 6
  for clip in clips:
    pitch = float(clip.speaker.split('@')[1])
    samples, rate = soundfile.read(clip.path)
    loudest = np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples)
    assert loudest == pytest.approx(400 * pitch, abs=1)
    assert clip.seconds == pytest.approx(2 / pitch, abs=1e-3)


def test_no_held_out_voice_is_copied(corpus):
  clips = _run(corpus)
  assert {clip.speaker[0] for clip in clips} == {'a', 'b'}
  assert {clip.split for clip in clips} == {'train'}


def test_versions_fill_the_range_and_differ_between_clips(corpus):
  clips = _run(corpus, '--versions=2', '--lowest=0.8', '--highest=1.25')
  pitches = [float(clip.speaker.split('@')[1]) for clip in clips]
  assert len(set(pitches)) == 4
  assert all(0.8 <= pitch <= 1.0 for pitch in pitches[:2])
  assert all(1.0 <= pitch <= 1.25 for pitch in pitches[2:])


def test_a_second_build_writes_the_same_and_nothing_anew(corpus):
  first = _run(corpus)
  times = {path: path.stat().st_mtime_ns for path in corpus.rglob('*@*.flac')}
  assert _run(corpus) == first
  assert times == {
      path: path.stat().st_mtime_ns for path in corpus.rglob('*@*.flac')
  }


def test_a_source_that_is_not_there_is_refused(corpus):
  with pytest.raises(UserError, match='no train clip of'):
    _run(corpus, '--sources=choirs')
