"""Tokenizers small enough for tests, and clips for them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from audiolm_jax.nn.kmeans import KMeans
from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.tokens.tokenizers.clusters import ClusterTokenizer
from audiolm_jax.tokens.tokenizers.codec import CodecTokenizer
from audiolm_jax.tokens.tokenizers.contract import Tokenizers
from audiolm_jax.tokens.tokenizers.soundstream import soundstream_tokenizer
from audiolm_jax.training.state import unbox
from audiolm_jax.w2v_bert.model import W2vBert

SAMPLE_RATE = 16000
CODEC = SoundStream(
    encoder_channels=2,
    decoder_channels=2,
    strides=(16, 20),
    embedding_dim=4,
    num_quantizers=3,
    codebook_size=8,
)


@functools.lru_cache
def soundstream(seed: int = 0) -> CodecTokenizer:
  """A codec of random weights, 3 levels of 8 codes at 50 Hz."""
  waveform = jnp.zeros((1, CODEC.hop_length))
  variables = jax.jit(CODEC.init)(jax.random.key(seed), waveform)
  params = jax.device_get(unbox(variables['params']))
  random = np.random.default_rng(seed)
  codebooks = random.normal(size=(3, 8, 4), scale=0.02).astype(np.float32)
  return soundstream_tokenizer(CODEC, params, codebooks)


@functools.lru_cache
def w2v_bert(seed: int = 0) -> ClusterTokenizer:
  """w2v-BERT and k-means of random weights, 16 ids at 25 Hz."""
  model = W2vBert(
      conv_channels=2,
      embed_dim=8,
      num_heads=2,
      mlp_dim=8,
      num_contrastive_layers=1,
      num_mlm_layers=1,
      codebook_size=4,
      code_dim=4,
  )
  keys = jax.random.split(jax.random.key(seed), 3)
  params = jax.jit(model.init)(
      {'params': keys[0], 'noise': keys[1], 'quantizer': keys[2]},
      jnp.zeros((1, 6400)),
      jnp.array([6400]),
      jnp.zeros((1, 10), bool),
      jnp.float32(1),
  )['params']
  centroids = np.random.default_rng(seed).normal(size=(16, 8))
  kmeans = KMeans(
      np.zeros(8, np.float32),
      np.ones(8, np.float32),
      centroids.astype(np.float32),
  )
  return ClusterTokenizer(model, jax.device_get(unbox(params)), 1, kmeans)


def tokenizers() -> Tokenizers:
  """Both."""
  return Tokenizers(w2v_bert(), soundstream())


def noise(seconds: float, seed: int) -> np.ndarray:
  """Noise whose loudness changes, so that tokens do too."""
  random = np.random.default_rng(seed)
  waveform = random.normal(size=round(seconds * SAMPLE_RATE))
  loudness = np.repeat(random.uniform(size=len(waveform) // 800 + 1), 800)
  return (0.3 * waveform * loudness[: len(waveform)]).astype(np.float32)
