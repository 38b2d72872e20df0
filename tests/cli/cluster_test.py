"""Tests audiolm_jax/cli/cluster.py."""

import numpy as np
import pytest
import runs
import tiny

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import cluster
from audiolm_jax.errors import UserError


@pytest.fixture
def run(tmp_path):
  runs.save(tmp_path / 'w2v_bert', tiny.w2v_bert())
  runs.write_corpus(tmp_path / 'corpus')

  def run(*flags):
    argv = [
        'cluster',
        f'--model={tmp_path}/w2v_bert',
        f'--manifest={tmp_path}/corpus/manifest.jsonl',
        f'--output_dir={tmp_path}/out',
        '--layer=1',
        '--num_clusters=4',
        '--crop_seconds=0.4',
        '--batch_size=2',
        *flags,
    ]
    cluster.FLAGS.unparse_flags()
    cluster.main(cluster.FLAGS(argv))
    return Bundle.load(tmp_path / 'out').semantic

  return run


def test_what_is_written_makes_tokens(run):
  tokenizer = run()
  waveform = tiny.noise(2, 0.8)
  tokens = tokenizer.encode(waveform, np.array([12800, 12800]))
  assert tokens.shape == (2, 20)
  assert tokenizer.codebook_size == 4
  assert len(np.unique(tokens)) > 1


def test_the_same_seed_gives_the_same_clusters(run):
  assert run().fingerprint == run().fingerprint != run('--seed=1').fingerprint


@pytest.mark.parametrize(
    'flag,message',
    [
        ('--layer=2', 'only 1'),
        ('--num_clusters=4096', '4096 clusters'),
        ('--split=nope', 'nope'),
        ('--model=nowhere', 'nowhere'),
        ('--manifest=', '--manifest'),
    ],
)
def test_a_mistake_is_named_in_one_line(run, flag, message):
  with pytest.raises(UserError, match=message) as error:
    run(flag)
  assert '\n' not in str(error.value)


def test_another_kind_of_model_is_refused(run, tmp_path):
  runs.save(tmp_path / 'codec', tiny.soundstream())
  with pytest.raises(UserError, match='holds a soundstream'):
    run(f'--model={tmp_path}/codec')
