"""Tests audiolm_jax/cli/evaluate.py."""

import json
import pathlib

import numpy as np
import pytest
import tiny

from audiolm_jax import audio, corpus
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import evaluate
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.metrics import labels
from audiolm_jax.evaluation.metrics.triphones import Speech
from audiolm_jax.evaluation.subjects import abx_items
from audiolm_jax.tokens.store import shards, store

RATE = tiny.RATE
PHONES = 'kats'


def run(folder: pathlib.Path, *flags: str) -> dict:
  """Calls the verb as absl does and returns the report."""
  evaluate.FLAGS.unparse_flags()
  argv = ['evaluate', f'--output_dir={folder / "report"}', *flags]
  evaluate.main(evaluate.FLAGS(argv))
  return json.loads((folder / 'report' / 'report.json').read_text())


@pytest.fixture(scope='module')
def model(tmp_path_factory) -> pathlib.Path:
  folder = tmp_path_factory.mktemp('bundle') / 'tiny'
  tiny.bundle().save(folder, '', float16=())
  return folder


@pytest.fixture(scope='module')
def manifest(tmp_path_factory) -> pathlib.Path:
  """Four clips a split, of noise, with phones of 0.1 s."""
  folder = tmp_path_factory.mktemp('corpus')
  clips = []
  for i, waveform in enumerate(tiny.noise(8, 2.0)):
    path, labels = folder / f'{i}.wav', folder / f'{i}.tsv'
    audio.write(path, waveform, RATE)
    phones = np.random.default_rng(i).choice(list(PHONES), 20)
    labels.write_text(
        ''.join(
            f'{0.1 * j:.1f}\t{0.1 * j + 0.1:.1f}\t{phone}\n'
            for j, phone in enumerate(phones)
        )
    )
    split = 'train' if i < 4 else 'dev'
    clip = Clip(str(path), 2.0, split, 'noise', 'CC0-1.0', labels=str(labels))
    clips.append(clip)
  corpus.write_manifest(folder / 'manifest.jsonl', clips)
  return folder / 'manifest.jsonl'


@pytest.fixture(scope='module')
def tokens(tmp_path_factory) -> pathlib.Path:
  """A store of random tokens of the tiny tokenizers."""
  folder = tmp_path_factory.mktemp('tokens')
  random = np.random.default_rng(0)
  splits = {'train': {'clips': 20, 'seconds': 40.0}}
  splits['dev'] = {'clips': 4, 'seconds': 8.0}
  for split, counts in splits.items():
    records = [
        store.Record(
            f'{split}{i}',
            random.integers(0, 16, 50).astype(np.int32),
            random.integers(0, 8, (100, 4)).astype(np.int32),
            2.0,
            split,
        )
        for i in range(counts['clips'])
    ]
    shards.write(shards.path_of(str(folder), split, 0, 1), records)
  bundle = tiny.bundle()
  pair = store.Tokenizers(bundle.semantic, bundle.acoustic)
  metadata = store.Metadata(RATE, store.describe(pair), splits)
  store.write_metadata(str(folder), metadata)
  return folder


@pytest.fixture
def generations(tmp_path) -> pathlib.Path:
  """What a perfect codec and a silent language model would write."""
  prompt = tiny.noise(1, 1.0)[0]
  silence = np.zeros(RATE, np.float32)
  audio.write(tmp_path / 'prompt.wav', prompt, RATE)
  audio.write(tmp_path / 'a.wav', np.concatenate([prompt, silence]), RATE)
  line = {
      'file': 'a.wav',
      'prompt': str(tmp_path / 'prompt.wav'),
      'prompt_seconds': 1.0,
  }
  (tmp_path / 'manifest.jsonl').write_text(json.dumps(line) + '\n')
  return tmp_path


def test_generations_alone_need_no_model(tmp_path, generations, capsys):
  found = run(tmp_path, f'--generations={generations}')['generations'][0]
  assert found['prompt']['recognised']
  assert 'silent' in found['continuation']['faults']
  told = capsys.readouterr()
  assert told.err.splitlines()[-1] == 'a.wav: silent, loop'
  written = told.out.split()
  folder = tmp_path / 'report'
  assert set(written) == {str(path) for path in folder.iterdir()}
  assert str(folder / 'generations.png') in written


def test_tokenizers_are_measured_on_the_held_out_clips(
    tmp_path, model, manifest
):
  found = run(
      tmp_path,
      f'--model={model}',
      f'--manifest={manifest}',
      '--visqol=off',
      '--nopesq',
      '--num_clips=2',
      '--sections=tokenizers',
  )
  assert found['reconstruction']['levels'] == [1, 2, 4]
  assert found['reconstruction']['num_clips'] == 2
  assert found['codebooks']['num_frames'] == 4 * 100
  assert len(found['meaning']) == 3
  for row in found['meaning'].values():
    assert abs(row['pnmi'] - row['pnmi_chance']) < 0.2
  assert found['abx']['semantic centroids']['num_within'] > 0
  assert found['inputs']['fingerprint'] == tiny.bundle().fingerprint


def test_a_codec_alone_is_measured_without_labels(tmp_path, manifest):
  whole = tiny.bundle().parts
  codec = Bundle({'acoustic_tokenizer': whole['acoustic_tokenizer']})
  codec.save(tmp_path / 'codec', '')
  found = run(
      tmp_path,
      f'--model={tmp_path}/codec',
      f'--manifest={manifest}',
      '--visqol=off',
      '--nopesq',
      '--num_clips=2',
  )
  assert found['codebooks']['num_frames'] == 4 * 100
  assert 'meaning' not in found and 'abx' not in found


def test_an_untrained_model_does_not_beat_the_unigram(tmp_path, model, tokens):
  found = run(
      tmp_path, f'--model={model}', f'--tokens={tokens}', '--num_batches=2'
  )['language_models']
  assert list(found) == ['semantic', 'coarse', 'fine']
  assert len(found['coarse']['levels']) == 2
  for stage in found.values():
    assert stage['total']['model'] > stage['total']['unigram']
    assert stage['total']['unigram'] > 1.9


def test_tokens_of_other_tokenizers_are_refused(tmp_path, model, tokens):
  other = tiny.Bundle(
      {
          **tiny.bundle().parts,
          'acoustic_tokenizer': tiny.soundstream(seed=1),
      }
  )
  other.save(tmp_path / 'other', '', float16=())
  with pytest.raises(UserError, match=other.acoustic.fingerprint):
    run(tmp_path, f'--model={tmp_path / "other"}', f'--tokens={tokens}')


@pytest.mark.parametrize(
    'flags, message',
    [
        ([], '--generations, --manifest, --tokens, --pairs or --abx_items'),
        (['--manifest=x'], '--model'),
        (['--generations=nowhere'], 'audiolm generate'),
        (['--generations=x', 'clip.wav'], "'clip.wav' is not a flag"),
    ],
)
def test_a_mistake_costs_one_line(tmp_path, flags, message):
  with pytest.raises(UserError, match=message) as error:
    run(tmp_path, *flags)
  assert '\n' not in str(error.value)


def test_a_split_that_is_not_there_is_named(tmp_path, model, manifest):
  with pytest.raises(UserError, match="'test'.*dev.*train"):
    run(tmp_path, f'--model={model}', f'--manifest={manifest}', '--split=test')


def continued(tmp_path, model, manifest, tokens, *flags):
  return run(
      tmp_path,
      f'--model={model}',
      f'--manifest={manifest}',
      f'--tokens={tokens}',
      '--sections=continuations',
      '--detector=',
      '--num_prompts=2',
      '--prompt_seconds=0.4',
      '--continuation_seconds=0.4',
      *flags,
  )


def without_times(report):
  tables = report['tables']
  place = tables['quality']['header'].index('real-time factor')
  for row in tables['quality']['rows']:
    del row[place]
  return tables


def test_a_seed_reproduces_what_is_measured_of_continuations(
    tmp_path, model, manifest, tokens
):
  args = (model, manifest, tokens)
  first = without_times(continued(tmp_path / 'a', *args))
  assert {'quality', 'copied', 'piano_agreement'} <= first.keys()
  rows = {row[0]: row for row in first['quality']['rows']}
  assert rows['AudioLM'][2]['num_clips'] == 2
  # An untrained model is farther from the truth than the truth is.
  assert rows['AudioLM'][2]['value'] > rows['original'][2]['value'] == 0
  page = (tmp_path / 'a/report/report.html').read_text()
  assert page.count('<audio') == 2 * 3
  again = without_times(continued(tmp_path / 'b', *args, '--noplots'))
  assert first == again
  other = without_times(continued(tmp_path / 'c', *args, '--seed=1'))
  assert first['quality'] != other['quality']


def test_a_section_that_is_not_there_is_refused(tmp_path, generations):
  with pytest.raises(UserError, match='no section'):
    run(tmp_path, f'--generations={generations}', '--sections=quality')
  with pytest.raises(UserError, match='allow generations'):
    run(tmp_path, f'--generations={generations}', '--sections=pairs')


def test_labels_and_an_item_file_give_the_same_table_of_tokens(
    tmp_path, model, manifest
):
  found = [
      clip._replace(speaker=f's{i % 2}')
      for i, clip in enumerate(corpus.read_manifest(manifest, 'dev'))
  ]
  spoken = {
      pathlib.Path(clip.path).stem: Speech(
          labels.read(clip.labels), clip.speaker, clip.source
      )
      for clip in found
  }
  abx_items.write(tmp_path / 'dev.item', spoken)
  corpus.write_manifest(tmp_path / 'm.jsonl', found)
  common = [f'--model={model}', '--sections=phones', '--noplots']
  first = run(tmp_path / 'a', f'--manifest={tmp_path}/m.jsonl', *common)
  items = [f'--abx_items={tmp_path}/dev.item', f'--abx_audio={manifest.parent}']
  second = run(tmp_path / 'b', *items, *common)
  rows = first['tables']['tokens']['rows']
  for ours, theirs in zip(
      rows, second['tables']['tokens']['rows'], strict=True
  ):
    assert ours[:4] == theirs[:4]
  assert rows[0][2]['num_clips'] == 4 and rows[0][2]['num_groups'] == 2
