"""Tests data/adapters/tfds_audio.py on data sets made here."""

import socket
import time
import urllib.request

import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.adapters import tfds_audio
from audiolm_jax.corpus import read_manifest
from audiolm_jax.errors import UserError

tfds = pytest.importorskip('tensorflow_datasets')

# Importing TensorFlow alone takes many seconds.
pytestmark = pytest.mark.slow

RATE = 24000


def tone(hertz):
  time = np.arange(RATE) / RATE
  return (0.5 * np.sin(2 * np.pi * hertz * time) * 2**15).astype(np.int64)


class Tones(tfds.core.GeneratorBasedBuilder):
  """Three spoken tones."""

  VERSION = tfds.core.Version('1.0.0')

  def _info(self):
    return tfds.core.DatasetInfo(
        builder=self,
        features=tfds.features.FeaturesDict(
            {
                'audio': tfds.features.Audio(sample_rate=RATE),
                'speaker_id': np.int64,
                'text_normalized': tfds.features.Text(),
            }
        ),
    )

  def _split_generators(self, dl_manager):
    return {'learn': self._generate_examples(3)}

  def _generate_examples(self, number):
    for index in range(number):
      yield index, {
          'audio': tone(200 * (index + 1)),
          'speaker_id': index,
          'text_normalized': f'tone {200 * (index + 1)}',
      }


class Rateless(Tones):
  """Audio that does not say at which rate."""

  VERSION = tfds.core.Version('1.0.0')

  def _info(self):
    return tfds.core.DatasetInfo(
        builder=self,
        features=tfds.features.FeaturesDict(
            {
                'audio': tfds.features.Audio(),
                'speaker_id': np.int64,
                'text_normalized': tfds.features.Text(),
            }
        ),
    )


class Words(Tones):
  """No audio at all."""

  VERSION = tfds.core.Version('1.0.0')

  def _info(self):
    return tfds.core.DatasetInfo(
        builder=self,
        features=tfds.features.FeaturesDict({'word': tfds.features.Text()}),
    )

  def _generate_examples(self, number):
    yield 0, {'word': 'hello'}


def run(tmp_path, *arguments):
  tfds_audio.FLAGS.unparse_flags()
  return tfds_audio.main(
      tfds_audio.FLAGS(
          [
              'tfds_audio',
              str(tmp_path / 'out'),
              f'--data_dir={tmp_path / "tfds"}',
              *arguments,
          ]
      )
  )


def test_sound_speaker_and_text_belong_together(tmp_path):
  run(tmp_path, '--dataset=tones', '--splits=train=learn', '--licence=CC0-1.0')
  clips = read_manifest(tmp_path / 'out/manifest.jsonl')
  assert sorted(clip.speaker for clip in clips) == ['0', '1', '2']
  for clip in clips:
    waveform = audio.read(clip.path, 16000)
    hertz = np.argmax(np.abs(np.fft.rfft(waveform)))  # One second of sound.
    assert clip.transcript == f'tone {hertz}'
    assert (clip.seconds, clip.split, clip.licence) == (1.0, 'train', 'CC0-1.0')
    assert np.abs(waveform).max() == pytest.approx(0.5, abs=0.05)


def test_second_run_goes_on_with_what_is_there(tmp_path):
  arguments = ('--dataset=tones', '--splits=train=learn[:2],dev=learn[2:]')
  run(tmp_path, *arguments)
  flacs = sorted((tmp_path / 'out').rglob('*.flac'))
  assert len(flacs) == 3
  flacs[0].unlink()
  times = [path.stat().st_mtime_ns for path in flacs[1:]]
  run(tmp_path, *arguments)
  assert flacs[0].exists()
  assert [path.stat().st_mtime_ns for path in flacs[1:]] == times


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['--dataset=no_such_set'], 'no_such_set'),
        (['--dataset=tones', '--splits=train=nowhere'], "'learn'"),
        (['--dataset=tones', '--splits=learn'], 'OURS=THEIRS'),
        (['--dataset=words', '--splits=train=learn'], 'no audio'),
        (['--dataset=rateless', '--splits=train=learn'], 'give --sample_rate'),
        ([], 'Give a folder and a data set'),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path, arguments, said):
  with pytest.raises(UserError, match=said) as caught:
    run(tmp_path, *arguments)
  assert '\n' not in str(caught.value)


def test_a_rate_that_tfds_does_not_tell_may_be_given(tmp_path):
  flags = ('--dataset=rateless', '--splits=train=learn')
  run(tmp_path, *flags, f'--sample_rate={RATE}')
  clips = read_manifest(tmp_path / 'out/manifest.jsonl')
  assert [clip.seconds for clip in clips] == [1.0] * 3


def test_without_a_network_a_set_of_tfds_is_refused_at_once(
    tmp_path, monkeypatch
):
  def unresolved(*_):
    raise socket.gaierror(socket.EAI_NONAME, 'Name or service not known')

  monkeypatch.setattr(socket, 'getaddrinfo', unresolved)
  monkeypatch.setattr(urllib.request, 'getproxies', dict)
  start = time.monotonic()
  with pytest.raises(UserError, match='librispeech and there is no network'):
    run(tmp_path, '--dataset=librispeech', '--splits=dev=dev_clean')
  assert time.monotonic() - start < 30
