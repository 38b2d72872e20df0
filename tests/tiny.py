"""Bundles of tiny, untrained models."""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.parts import Part
from audiolm_jax.soundstorm.stage import semantic_per_frame
from audiolm_jax.soundstorm.stage import soundstorm as soundstorm_stage
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.training.state import unbox

RATE = 16000
SIZES = stages.Sizes(
    semantic_codebook_size=16, acoustic_codebook_size=8, num_quantizers=4
)


# Of a codec at 25 Hz, beside semantic tokens at 50 Hz.
FAST_SEMANTIC = SIZES._replace(semantic_rate=50.0, acoustic_rate=25.0)


def soundstream(seed: int = 0, strides: Sequence[int] = (2, 4, 5, 8)) -> Part:
  config = {
      'kind': 'soundstream',
      'encoder_channels': 2,
      'decoder_channels': 2,
      'strides': list(strides),
      'embedding_dim': 4,
      'num_quantizers': SIZES.num_quantizers,
      'codebook_size': SIZES.acoustic_codebook_size,
      'sample_rate': RATE,
  }
  params = _init(config, seed, jnp.zeros((1, 640)))
  shape = (SIZES.num_quantizers, SIZES.acoustic_codebook_size, 4)
  codebooks = np.random.default_rng(seed).normal(size=shape)
  codebooks = codebooks.astype(np.float32)
  return Part(config, {'params': params, 'codebooks': codebooks})


def w2v_bert(seed: int = 0) -> Part:
  config = {
      'kind': 'w2v_bert',
      'num_mels': 16,
      'conv_channels': 4,
      'embed_dim': 16,
      'num_heads': 2,
      'mlp_dim': 16,
      'num_contrastive_layers': 1,
      'num_mlm_layers': 1,
      'codebook_size': 8,
      'code_dim': 8,
      'layer': 1,
  }
  params = _init(
      config,
      seed,
      jnp.zeros((1, 6400)),
      jnp.array([6400]),
      jnp.zeros((1, 10), bool),
      jnp.float32(1),
  )
  shape = (SIZES.semantic_codebook_size, 16)
  centroids = np.random.default_rng(seed).normal(size=shape)
  kmeans = {
      'mean': np.zeros(16, np.float32),
      'std': np.ones(16, np.float32),
      'centroids': centroids.astype(np.float32),
  }
  return Part(config, {'params': params, 'kmeans': kmeans})


def semantic_vq(seed: int = 0) -> Part:
  config = {
      'kind': 'semantic_vq',
      'encoder_layers': 1,
      'encoder_dim': 16,
      'code_dim': 8,
      'codebook_size': SIZES.semantic_codebook_size,
      'decoder_layers': 1,
      'decoder_dim': 16,
      'voice_layers': 1,
      'voice_dim': 8,
  }
  params = _init(config, seed, jnp.zeros((1, 640)), jnp.array([640]))
  shape = (1, SIZES.semantic_codebook_size, 8)
  codebooks = np.random.default_rng(seed).normal(size=shape)
  below = {name: params[name] for name in ('encoder', 'latent')}
  return Part(
      config, {'params': below, 'codebooks': codebooks.astype(np.float32)}
  )


def language_model(
    stage: Stage, seed: int = 0, crop_seconds: float = 1.0
) -> Part:
  config = {
      'kind': 'language_model',
      'vocab_size': stage.vocab_size,
      'num_layers': 1,
      'embed_dim': 16,
      'num_heads': 2,
      'head_dim': 8,
      'mlp_dim': 16,
      'stage': stage.to_config(),
      'crop_seconds': crop_seconds,
  }
  ids = jnp.zeros((1, 4), jnp.int32)
  params = _init(config, seed, ids, jnp.arange(4), ids + 1)
  # Logits that depend on what was sampled before.
  embedding = np.random.default_rng(seed).normal(size=(stage.vocab_size, 16))
  params['embedding'] = 0.5 * embedding.astype(np.float32)
  params['norm']['scale'] = np.ones(16, np.float32)
  return Part(config, {'params': params})


def soundstorm(
    seed: int = 0,
    sizes: stages.Sizes = SIZES,
    num_levels: int | None = None,
) -> Part:
  stage = soundstorm_stage(sizes, num_levels)
  num_levels = len(stage.target.levels)
  config = {
      'kind': 'soundstorm',
      'semantic_codebook_size': sizes.semantic_codebook_size,
      'semantic_per_frame': semantic_per_frame(stage),
      'codebook_size': sizes.acoustic_codebook_size,
      'num_quantizers': num_levels,
      'num_layers': 1,
      'embed_dim': 16,
      'num_heads': 2,
      'mlp_dim': 16,
      'stage': stage.to_config(),
      'crop_seconds': 1.0,
  }
  ids = jnp.zeros((1, 4), jnp.int32)
  codes = jnp.zeros((1, 4, num_levels), jnp.int32)
  params = _init(config, seed, ids, codes, jnp.array([4]), jnp.array([0]))
  return Part(config, {'params': params})


def classifier(seed: int = 0) -> Part:
  config = {
      'kind': 'classifier',
      'labels': ['original', 'generated'],
      'channels': [4, 8, 8],
      'num_mels': 16,
      'sample_rate': RATE,
  }
  params = _init(config, seed, jnp.zeros((1, RATE)))
  statistics = {
      f'block_{index}': {
          'norm': {'mean': np.zeros(width, np.float32)}
          | {'var': np.ones(width, np.float32)}
      }
      for index, width in enumerate(config['channels'])
  }
  return Part(config, {'params': params, 'batch_stats': statistics})


@functools.cache
def bundle(
    num_coarse: int = 2, deduplicate: bool = False, positions: str = 'time'
) -> Bundle:
  """All parts; there is no fine stage if `num_coarse` is all levels."""
  settings = {'deduplicate': deduplicate, 'positions': positions}
  chain = [
      stages.semantic(SIZES, **settings),
      stages.coarse(SIZES, num_coarse, **settings),
  ]
  if num_coarse < SIZES.num_quantizers:
    chain.append(stages.fine(SIZES, num_coarse, positions))
  models = {stage.name: language_model(stage) for stage in chain}
  return Bundle(
      {
          'acoustic_tokenizer': soundstream(),
          'semantic_tokenizer': w2v_bert(),
          **models,
      }
  )


@functools.cache
def fast_semantic_bundle() -> Bundle:
  """Two semantic tokens in each frame of the codec; all parts."""
  settings = {'deduplicate': False, 'positions': 'time'}
  chain = [
      stages.semantic(FAST_SEMANTIC, **settings),
      stages.coarse(FAST_SEMANTIC, 2, **settings),
      stages.fine(FAST_SEMANTIC, 2, 'time'),
  ]
  return Bundle(
      {
          'acoustic_tokenizer': soundstream(strides=(4, 4, 5, 8)),
          'semantic_tokenizer': semantic_vq(),
          'soundstorm': soundstorm(sizes=FAST_SEMANTIC),
          **{stage.name: language_model(stage) for stage in chain},
      }
  )


def noise(num_rows: int, seconds: float, seed: int = 0) -> np.ndarray:
  """Swells and fades, so that tokens change."""
  shape = (num_rows, round(seconds * RATE))
  values = np.random.default_rng(seed).normal(size=shape)
  loudness = np.sin(np.arange(shape[1]) * 2 * np.pi * 3 / RATE) ** 2
  return (0.3 * values * loudness[None]).astype(np.float32)


def _init(config, seed, *args):
  """Random weights in the right places, without compiling an initializer."""
  keys = {name: jax.random.key(0) for name in ('params', 'noise', 'quantizer')}
  shapes = unbox(jax.eval_shape(parts.build(config).init, keys, *args))
  random = np.random.default_rng(seed)

  def weights(leaf):
    fan_in = np.prod(leaf.shape[:-1]) if leaf.ndim > 1 else 100
    values = random.normal(size=leaf.shape) / fan_in**0.5
    return values.astype(np.float32)

  return jax.tree.map(weights, shapes['params'])
