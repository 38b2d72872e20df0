"""Tests audiolm_jax/cli/import_.py, and what it writes in the house."""

import json

import jax
import numpy as np
import pytest
import runs
import tiny

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import bundle as bundling
from audiolm_jax.cli import cluster, extract, import_
from audiolm_jax.errors import UserError
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.store import store

transformers = pytest.importorskip('transformers')

SPEECH = {
    'hidden_size': 16,
    'num_hidden_layers': 2,
    'num_attention_heads': 2,
    'intermediate_size': 16,
    'vocab_size': 8,
    'conv_dim': (8,) * 7,
    'num_conv_pos_embeddings': 8,
    'num_conv_pos_embedding_groups': 2,
}
MODELS = {
    'encodec': (
        'Encodec',
        {
            'num_filters': 4,
            'hidden_size': 8,
            'codebook_size': 16,
            'target_bandwidths': [0.9],
        },
    ),
    'dac': (
        'Dac',
        {
            'encoder_hidden_size': 4,
            'decoder_hidden_size': 16,
            'downsampling_ratios': [4, 5, 8],
            'codebook_size': 16,
            'n_codebooks': 3,
        },
    ),
    'mimi': (
        'Mimi',
        {
            'num_filters': 4,
            'hidden_size': 16,
            'intermediate_size': 16,
            'num_hidden_layers': 1,
            'num_attention_heads': 2,
            'num_key_value_heads': 2,
            'head_dim': 8,
            'codebook_size': 16,
            'codebook_dim': 8,
            'vector_quantization_hidden_dimension': 8,
            'num_quantizers': 4,
            'upsample_groups': 16,
        },
    ),
    'hubert': ('Hubert', SPEECH),
    'wav2vec2': ('Wav2Vec2', SPEECH),
    'w2v-bert-2.0': (
        'Wav2Vec2Bert',
        {
            'hidden_size': 16,
            'num_hidden_layers': 2,
            'num_attention_heads': 2,
            'intermediate_size': 16,
            'conv_depthwise_kernel_size': 5,
        },
    ),
}
CODECS = ('encodec', 'dac', 'mimi')
FEATURES = ('hubert', 'wav2vec2', 'w2v-bert-2.0')


@pytest.fixture
def published(tmp_path):
  """Writes a random model as `transformers` does, once."""

  def write(family):
    folder = tmp_path / f'{family} of a hub'
    if not folder.exists():
      name, settings = MODELS[family]
      transformers.set_seed(0)
      config = getattr(transformers, f'{name}Config')(**settings)
      getattr(transformers, f'{name}Model')(config).save_pretrained(folder)
    return folder

  return write


@pytest.fixture
def run(published, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)

  def run(family, *flags):
    argv = ['import', f'--family={family}', f'--output_dir={family}']
    argv += [f'--checkpoint={published(family)}', *flags]
    import_.FLAGS.unparse_flags()
    import_.main(import_.FLAGS(argv))
    return Bundle.load(tmp_path / family)

  return run


def clusters(num=12, width=16):
  random = np.random.default_rng(0)
  np.save('km.npy', random.standard_normal((num, width)).astype(np.float32))
  return '--kmeans=km.npy', '--layer=1'


@pytest.mark.parametrize('family', CODECS)
def test_a_codec_makes_codes_and_waveforms(run, family, capsys):
  codec = run(family).acoustic
  assert codec.fingerprint in capsys.readouterr().out
  hop, levels = codec.hop_length, codec.num_quantizers
  waveform = np.random.default_rng(0).standard_normal((2, 12 * hop))
  lengths = np.array([12 * hop, 7 * hop])
  codes = codec.encode(waveform.astype(np.float32), lengths)
  assert codes.shape == (2, 12, levels) and codes.max() < codec.codebook_size
  assert codec.decode(codes[..., :2]).shape == (2, 12 * hop)
  assert codec.embed(codes).shape[:2] == (2, 12)


@pytest.mark.parametrize('family', FEATURES)
def test_features_and_clusters_make_semantic_tokens(run, family):
  tokenizer = run(family, *clusters()).semantic
  waveform = np.random.default_rng(0).standard_normal((1, 320 * 20))
  ids = tokenizer.encode(waveform.astype(np.float32), np.array([320 * 20]))
  assert ids.shape == (1, 20) and len(np.unique(ids)) > 1
  assert tokenizer.codebook_size == 12
  assert tokenizer.fingerprint == run(family, *clusters()).semantic.fingerprint


def test_clusters_can_be_fitted_here(run, tmp_path):
  bundle = run('hubert')
  with pytest.raises(UserError, match='run audiolm cluster --model='):
    _ = bundle.semantic
  runs.write_corpus(tmp_path / 'corpus')
  argv = ['cluster', '--model=hubert', '--manifest=corpus/manifest.jsonl']
  argv += ['--output_dir=fitted', '--layer=2', '--num_clusters=4']
  cluster.FLAGS.unparse_flags()
  cluster.main(cluster.FLAGS([*argv, '--crop_seconds=0.4', '--batch_size=2']))
  assert Bundle.load('fitted').semantic.codebook_size == 4


@pytest.mark.slow
def test_a_public_pair_goes_all_the_way(run, tmp_path):
  """HuBERT hears 16 kHz at 50 Hz, EnCodec 24 kHz at 75."""
  run('hubert', *clusters())
  run('encodec')
  bundling.FLAGS.unparse_flags()
  argv = ['bundle', 'encodec', 'hubert', '--output_dir=pair']
  bundling.main(bundling.FLAGS(argv))
  runs.write_corpus(tmp_path / 'corpus')
  extract.FLAGS.unparse_flags()
  argv = ['extract', '--input=corpus/manifest.jsonl', '--model=pair']
  assert not extract.main(extract.FLAGS([*argv, '--output_dir=tokens']))
  sizes = store.read_metadata('tokens').sizes
  assert (sizes.semantic_rate, sizes.acoustic_rate) == (50, 75)
  chain = [
      stages.semantic(sizes),
      stages.coarse(sizes, 2),
      stages.fine(sizes, 2),
  ]
  models = {stage.name: tiny.language_model(stage) for stage in chain}
  lm = AudioLM(Bundle({**Bundle.load('pair').parts, **models}))
  assert lm.sample_rate == 24000
  prompt = lm.fit(tiny.noise(1, 0.9)[0])
  keys = jax.random.split(jax.random.key(0), 1)
  (made,) = lm.continuation([prompt], 0.4, keys)
  assert len(made.waveform) >= len(prompt) + round(0.4 * 24000)


@pytest.mark.parametrize(
    'family,flags,message',
    [
        ('hubert', ('--family=dac',), 'use --family=hubert'),
        ('hubert', ('--layer=1',), '--kmeans and --layer'),
        ('hubert', ('--kmeans=km.npy', '--layer=3'), 'only 2 blocks'),
        ('hubert', ('--kmeans=narrow.npy', '--layer=1'), '8 dimensions'),
        ('hubert', ('--kmeans=none.npy', '--layer=1'), 'none.npy'),
        ('encodec', ('--kmeans=km.npy', '--layer=1'), 'is a codec'),
        ('encodec', ('--checkpoint=nowhere',), 'nowhere'),
        ('encodec', ('--output_dir=',), 'Give --family'),
        ('encodec', ('more',), "'more' is not a flag"),
    ],
)
def test_a_mistake_is_named_in_one_line(run, family, flags, message):
  clusters()
  np.save('narrow.npy', np.zeros((4, 8), np.float32))
  with pytest.raises(UserError, match=message) as error:
    run(family, *flags)
  assert '\n' not in str(error.value)


def test_what_the_authors_do_to_a_waveform_is_done(run, published):
  folder = published('wav2vec2')
  path = folder / 'preprocessor_config.json'
  path.write_text(json.dumps({'do_normalize': False}))
  as_it_is = run('wav2vec2', *clusters()).semantic
  path.write_text(json.dumps({'do_normalize': True}))
  normalized = run('wav2vec2', *clusters()).semantic
  assert as_it_is.fingerprint != normalized.fingerprint
  path.write_text('{')
  with pytest.raises(UserError, match='preprocessor_config.json is not JSON'):
    run('wav2vec2')
