"""Tests audiolm_jax/cli/choose_layer.py."""

import json

import numpy as np
import pytest
import runs
import tiny

from audiolm_jax import audio, corpus
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import choose_layer
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError


def tones(folder, index, split):
  """Two seconds of tones that change every 0.2 s, and which they are."""
  random = np.random.default_rng(index)
  notes = random.integers(0, 3, 10)
  pitch = np.repeat(300 * 2.0**notes, 3200)
  waveform = 0.3 * np.sin(2 * np.pi * np.cumsum(pitch) / 16000)
  path, labels = folder / f'{index}.wav', folder / f'{index}.tsv'
  audio.write(path, waveform, 16000)
  labels.write_text(
      ''.join(
          f'{0.2 * i:.1f}\t{0.2 * i + 0.2:.1f}\t{"aiu"[note]}\n'
          for i, note in enumerate(notes)
      )
  )
  speaker = f'{index % 2}'
  return Clip(
      str(path), 2.0, split, 'tones', 'CC0-1.0', speaker, labels=str(labels)
  )


@pytest.fixture
def run(tmp_path):
  runs.save(tmp_path / 'w2v_bert', tiny.w2v_bert())
  clips = [tones(tmp_path, i, 'dev' if i < 6 else 'train') for i in range(10)]
  corpus.write_manifest(tmp_path / 'manifest.jsonl', clips)

  def run(*flags):
    argv = [
        'choose-layer',
        f'--model={tmp_path}/w2v_bert',
        f'--manifest={tmp_path}/manifest.jsonl',
        f'--output_dir={tmp_path}/out',
        '--num_clusters=4,8',
        '--crop_seconds=0.8',
        '--batch_size=2',
        *flags,
    ]
    choose_layer.FLAGS.unparse_flags()
    choose_layer.main(choose_layer.FLAGS(argv))
    return tmp_path / 'out'

  return run


def test_the_best_of_all_layers_becomes_the_tokenizer(run):
  folder = run()
  found = json.loads((folder / 'layers.json').read_text())
  places = [(score['layer'], score['num_clusters']) for score in found]
  assert places == [(0, 4), (0, 8), (1, 4), (1, 8)]
  errors = [
      score['centroids']['within'] + score['centroids']['across']
      for score in found
  ]
  layer, size = places[int(np.argmin(errors))]
  bundle = Bundle.load(folder)
  assert bundle.parts['semantic_tokenizer'].config['layer'] == layer
  assert bundle.semantic.codebook_size == size
  card = (folder / 'MODEL_CARD.md').read_text()
  assert f'Layer {layer} and {size} clusters' in card
  assert card.count('\n| ') == 2 + len(found)
  assert (folder / 'layers.png').stat().st_size > 5000


@pytest.mark.parametrize(
    'flag,message',
    [
        ('--layers=0,2', 'only 1'),
        ('--layers=all', '--layers=all'),
        ('--num_clusters=x', '--num_clusters=x'),
        ('--num_clusters=', 'num_clusters is empty'),
        ('--num_clusters=0', '--num_clusters=0'),
        ('--labelled_split=test', 'test'),
        ('--model=nowhere', 'nowhere'),
        ('--manifest=', '--manifest'),
    ],
)
def test_a_mistake_is_named_in_one_line(run, flag, message):
  with pytest.raises(UserError, match=message) as error:
    run(flag)
  assert '\n' not in str(error.value)
