"""Tests `audiolm_jax/evaluation/subjects/tokenizers.py` and `embeddings.py`."""

import pathlib

import numpy as np
import pytest
import tiny

from audiolm_jax.corpus import Clip
from audiolm_jax.evaluation.subjects import embeddings, tokenizers
from audiolm_jax.evaluation.subjects.clips import LoadedClips
from audiolm_jax.tokens.tokenizers.contract import Context

RATE = tiny.RATE
SEMANTIC_HOP, ACOUSTIC_HOP = 640, 320
# Bands of noise that sound as different as vowels.
BANDS = {'a': (200, 800), 'i': (2000, 3000), 's': (5000, 7500)}


class Oracle:
  """Tokenizers that hear which band sounds, and nothing else."""

  sample_rate = RATE
  num_quantizers, codebook_size = 2, len(BANDS)
  context = Context(0, 0)
  fingerprint = 'oracle'

  def __init__(self, hop_length: int):
    self.hop_length = hop_length

  def encode(self, waveform, lengths):
    frames = waveform.reshape(len(waveform), -1, self.hop_length)
    power = np.abs(np.fft.rfft(frames)) ** 2
    hertz = np.fft.rfftfreq(self.hop_length, 1 / RATE)
    bands = [(low <= hertz) & (hertz < high) for low, high in BANDS.values()]
    ids = np.argmax([power[..., band].sum(-1) for band in bands], axis=0)
    ids = ids.astype(np.int32)
    return np.stack([ids, ids], -1) if self.hop_length == ACOUSTIC_HOP else ids

  def decode(self, codes):
    raise NotImplementedError


def babble(labels: str, seed: int) -> np.ndarray:
  """0.2 s of each label's band."""
  random = np.random.default_rng(seed)
  spectrum = np.fft.rfft(random.standard_normal((len(labels), RATE // 5)))
  hertz = np.fft.rfftfreq(RATE // 5, 1 / RATE)
  for row, label in zip(spectrum, labels, strict=True):
    low, high = BANDS[label]
    row[(hertz < low) | (hertz >= high)] = 0
  return np.fft.irfft(spectrum).reshape(-1).astype(np.float32)


@pytest.fixture
def loaded(tmp_path) -> LoadedClips:
  """Six clips of 15 labels, with their sidecars."""
  found, waveforms = [], []
  for i in range(6):
    labels = np.random.default_rng(i).choice(list(BANDS), 15)
    waveforms.append(babble(''.join(labels), i))
    path = tmp_path / f'{i}.tsv'
    lines = [
        f'{0.2 * j:.1f}\t{0.2 * j + 0.2:.1f}\t{label}'
        for j, label in enumerate(labels)
    ]
    path.write_text('\n'.join(lines) + '\n')
    found.append(Clip('x.wav', 3.0, 'dev', 'toy', 'CC0-1.0', labels=str(path)))
  lengths = np.full(6, 3 * RATE, np.int32)
  return LoadedClips(found, np.stack(waveforms), lengths, RATE)


def test_tokens_that_follow_the_labels_score_so_in_every_row(loaded):
  semantic, acoustic = Oracle(SEMANTIC_HOP), Oracle(ACOUSTIC_HOP)
  tokenized = tokenizers.tokenize(semantic, acoustic, loaded)
  found = tokenizers.evaluate_meaning(
      semantic, acoustic, tokenized, loaded, features={}
  )
  by_semantic, by_mfcc, by_codec = found.meaning.values()
  assert by_semantic.pnmi > 0.99 and by_codec.pnmi > 0.99
  assert by_codec.num_frames == 2 * by_semantic.num_frames
  # Their windows reach over the borders of labels, and so do differences.
  assert by_semantic.pnmi_chance + 0.1 < by_mfcc.pnmi < by_semantic.pnmi
  assert set(found.abx) == {'MFCCs', 'MFCC centroids'}
  assert found.abx['MFCCs'].within < 0.3


def test_notes_have_a_meaning_and_no_triphones(loaded):
  for clip in loaded.clips:
    path = pathlib.Path(clip.labels)
    notes = path.read_text()
    for label, pitch in zip(BANDS, ('60', '64', '101'), strict=True):
      notes = notes.replace(f'\t{label}', f'\t{pitch}')
    path.write_text(notes)
  semantic, acoustic = Oracle(SEMANTIC_HOP), Oracle(ACOUSTIC_HOP)
  tokenized = tokenizers.tokenize(semantic, acoustic, loaded)
  found = tokenizers.evaluate_meaning(
      semantic, acoustic, tokenized, loaded, features={}
  )
  assert next(iter(found.meaning.values())).pnmi > 0.99
  assert found.abx == {}


def test_embeddings_are_those_that_the_ids_were_made_of():
  bundle = tiny.bundle()
  waveforms = tiny.noise(3, 0.8)
  lengths = np.array([12800, 12000, 7000], np.int32)
  found = [Clip('x.wav', 1.0, 'dev', 'toy', 'CC0-1.0')] * 3
  tokenized = tokenizers.tokenize(
      bundle.semantic,
      bundle.acoustic,
      LoadedClips(found, waveforms, lengths, RATE),
  )
  frames = embeddings.of_tokens(bundle, tokenized)
  centroids = bundle.semantic.centroids
  for clip, features in enumerate(frames['semantic features'].features):
    distances = np.square(features[:, None] - centroids[None]).sum(axis=-1)
    ids = tokenized.semantic[clip, : len(features)]
    np.testing.assert_array_equal(distances.argmin(axis=1), ids)
    np.testing.assert_array_equal(
        frames['semantic centroids'].features[clip], centroids[ids]
    )
  assert [len(x) for x in frames['codec, 4 levels'].features] == [40, 37, 21]
