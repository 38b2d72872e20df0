"""Tests data/shipped/detector_clips.py with tiny models."""

import collections
import itertools
import shutil

import numpy as np
import pytest
import tiny

from audiolm_jax import audio, corpus
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.errors import UserError
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.generation.generations import Generation
from audiolm_jax.tokens.tokenizers.contract import Tokens
from data.shipped import detector_clips


class Parrot(AudioLM):
  """Goes on with the end of its prompt: sampling is tested elsewhere."""

  def continuation(self, prompts, seconds, keys):
    assert len(keys) == len(prompts)
    codec = tiny.bundle().acoustic
    added = round(seconds * tiny.RATE)
    made = []
    for prompt in prompts:
      waveform = np.concatenate([prompt, 0.5 * np.resize(prompt, added)])
      codes = np.zeros((len(waveform) // codec.hop_length, 3), np.int32)
      tokens = Tokens(np.zeros(0, np.int32), codes)
      made.append(Generation(waveform, tokens, len(prompt)))
    return made


@pytest.fixture(name='build')
def fixture_build(tmp_path, monkeypatch):
  """Builds from six clips of three speakers; returns folder and clips."""
  monkeypatch.setattr(detector_clips, 'AudioLM', Parrot)
  bundled = {**tiny.bundle().parts, 'soundstorm': tiny.soundstorm()}
  Bundle(bundled).save(tmp_path / 'model', '')
  clips = []
  for number, speaker in enumerate('aabbcc'):
    path = tmp_path / f'in/{speaker}-{number}.wav'
    path.parent.mkdir(exist_ok=True)
    audio.write(path, 0.1 * tiny.noise(1, 1.0, number)[0], tiny.RATE)
    clips.append(
        corpus.Clip(str(path), 1.0, 'train', 'noise', 'CC0-1.0', speaker)
    )
  corpus.write_manifest(tmp_path / 'in/manifest.jsonl', clips)

  def build(*flags):
    detector_clips.FLAGS.unparse_flags()
    detector_clips.main(
        detector_clips.FLAGS(
            [
                'detector_clips',
                f'{tmp_path}/out',
                f'--model={tmp_path}/model',
                f'--manifest={tmp_path}/in/manifest.jsonl',
                '--prompt_seconds=0.4',
                '--seconds=0.6',
                '--least_seconds=0.2',
                '--batch_size=2',
                *flags,
            ]
        )
    )
    return tmp_path / 'out', corpus.read_manifest(tmp_path / 'out/*.jsonl')

  return build


def test_continuations_have_their_originals_beside_them_and_runs_go_on(build):
  out, clips = build('--dev_speakers=b', '--test_speakers=c')
  ways = collections.Counter(
      (clip.source.split('/')[0], clip.origin, clip.split) for clip in clips
  )
  expected = [
      ('autoregressive', 'generated'),
      ('parallel', 'generated'),
      ('codec', 'original'),
      ('recording', 'original'),
  ]
  counts = [1, 1, 2, 2]
  assert ways == {
      (*way, split): count
      for (way, count), split in itertools.product(
          zip(expected, counts, strict=True), ('train', 'dev', 'test')
      )
  }
  sides = collections.defaultdict(set)
  for clip in clips:
    sides[clip.split].add(clip.speaker)
  assert sides == {'train': {'a'}, 'dev': {'b'}, 'test': {'c'}}
  # What is there is not made again, what is not is.
  kept, lost = out / 'mark', next(iter((out / 'parallel').iterdir()))
  before = lost.read_bytes()
  old = {path: path.stat().st_mtime_ns for path in (out / 'codec').iterdir()}
  kept.touch()
  lost.unlink()
  build('--dev_speakers=b', '--test_speakers=c')
  assert lost.read_bytes() == before
  again = {path: path.stat().st_mtime_ns for path in old}
  assert sum(again[path] == old[path] for path in old) == 4


def test_a_bundle_without_coarse_stage_continues_all_clips_in_parallel(
    build, tmp_path
):
  parts = Bundle.load(tmp_path / 'model').parts
  kept = [name for name in parts if name not in ('coarse', 'fine')]
  shutil.rmtree(tmp_path / 'model')
  Bundle({name: parts[name] for name in kept}).save(tmp_path / 'model', '')
  _, clips = build()
  ways = collections.Counter(clip.source.split('/')[0] for clip in clips)
  assert ways == {'parallel': 6, 'codec': 6, 'recording': 6}


def test_no_clip_holds_its_prompt_and_the_codec_is_the_bundles(build):
  out, clips = build()
  assert {round(clip.seconds, 2) for clip in clips} == {0.6}
  codec = tiny.bundle().acoustic
  recordings = sorted((out / 'recording').iterdir())
  wholes = [0.1 * tiny.noise(1, 1.0, number)[0] for number in range(6)]
  for path in recordings[:2]:
    recorded = audio.read(path, tiny.RATE)
    (whole,) = [x for x in wholes if np.allclose(x[6400:], recorded, atol=1e-3)]
    codes = codec.encode(whole[None], np.array([16000]))
    # The levels that generations have.
    expected = codec.decode(codes[..., :3])[0][6400:]
    coded = audio.read(out / 'codec' / path.name, tiny.RATE)
    assert np.corrcoef(coded, expected)[0, 1] > 0.999


def test_a_speaker_who_is_not_there_is_named(build):
  with pytest.raises(UserError, match='no clip of nobody'):
    build('--test_speakers=nobody')
