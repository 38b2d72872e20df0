"""Sample pairs: two sounds that begin alike, and a page that says whose."""

import numpy as np
import pytest
import soundfile

from audiolm_jax import corpus
from audiolm_jax.adapters.recording import write_flac
from audiolm_jax.errors import UserError
from data.shipped import opus, samples
from tests import tiny

pytest.importorskip('av')
RATE = 16000


@pytest.fixture
def manifest(tmp_path):
  """Two long clips of the split, one that is too short, one of training."""
  clips = []
  for name, seconds, split in (
      ('anna', 2.0, 'test'),
      ('boris', 2.0, 'test'),
      ('short', 0.3, 'test'),
      ('heard', 2.0, 'train'),
  ):
    path = tmp_path / 'corpus' / f'{name}.flac'
    write_flac(path, tiny.noise(1, seconds, len(name))[0])
    clips.append(
        corpus.Clip(str(path), seconds, split, 'ours', 'CC0', speaker=name)
    )
  corpus.write_manifest(tmp_path / 'manifest.jsonl', clips)
  return tmp_path / 'manifest.jsonl'


def run(*argv):
  samples.FLAGS.unparse_flags()
  samples.main(samples.FLAGS(['samples', *map(str, argv)]))


def test_pairs_share_their_beginning_and_go_on_apart(manifest, tmp_path):
  tiny.bundle().save(tmp_path / 'bundle', 'Card.')
  run(
      tmp_path / 'out',
      f'--model={tmp_path / "bundle"}',
      f'--manifest={manifest}',
      '--prompt_seconds=1',
      '--continuation_seconds=0.5',
  )
  names = sorted(path.name for path in (tmp_path / 'out').iterdir())
  files = [f'{n}_{take}.opus' for n in (1, 2) for take in samples.TAKES]
  assert names == sorted([*files, 'spectrograms.png', 'README.md'])
  recorded, continued = (
      soundfile.read(tmp_path / 'out' / file)[0]
      for file in sorted(files)[:2][::-1]
  )
  page = (tmp_path / 'out' / 'README.md').read_text()
  assert '| anna | CC0 |' in page and '| boris | CC0 |' in page
  assert '| short |' not in page and '| heard |' not in page
  start = slice(round(0.1 * 48000), round(0.9 * 48000))
  rest = slice(round(1.1 * 48000), round(1.45 * 48000))
  assert alike(recorded[start], continued[start]) > 0.9
  assert alike(recorded[rest], continued[rest]) < 0.5


def alike(first, second) -> float:
  return float(np.corrcoef(first, second)[0, 1])


def test_a_folder_and_a_manifest_are_needed(tmp_path):
  with pytest.raises(UserError, match='Give a folder and a manifest'):
    run(tmp_path / 'out')


def test_opus_keeps_length_and_rate(tmp_path):
  tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE)
  opus.write(tmp_path / 'tone.opus', tone, RATE)
  heard, rate = soundfile.read(tmp_path / 'tone.opus')
  # Half a second of a tone at 440 Hz has its peak in bin 220.
  middle = np.abs(np.fft.rfft(heard[rate : rate + rate // 2]))
  assert abs(len(heard) / rate - 3.0) < 0.05
  assert middle.argmax() == 220
  size = (tmp_path / 'tone.opus').stat().st_size
  assert size < 1.5 * 3 * opus.BIT_RATE / 8
