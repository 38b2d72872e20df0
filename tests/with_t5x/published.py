"""t5x's decoder-only network by its published equations, in NumPy.

T5X (arXiv 2203.17189), examples/decoder_only: T5 1.1 (arXiv 1910.10683,
2002.05202) without an encoder. Nothing of audiolm_jax computes here, so that
both can be compared, and the checkpoint that is stored beside this file is
written as t5x writes it:

  python -m tests.with_t5x.published tests/with_t5x/run
"""

import json
import pathlib
import sys

import numpy as np
import tensorstore
from flax import serialization

from audiolm_jax.tokens import stages

# Sizes of the codes of tests/kept/bundle, and who made them.
CODES = stages.Sizes(
    semantic_codebook_size=16, acoustic_codebook_size=8, num_quantizers=4
)
STAGE = stages.coarse(CODES, num_coarse=2)
TOKENIZERS = {'semantic': 'd136d04265a6', 'acoustic': '97b5bfc35b1f'}
LAYERS, WIDTH, HEADS, HEAD, HIDDEN, STEP = 2, 16, 2, 8, 24, 3
RUN = pathlib.Path(__file__).parent / 'run'


def parameters(seed=0):
  """Random ones by t5x's names; no scale of a norm is 1."""
  random = np.random.default_rng(seed)

  def draw(rows, columns, scale=1.0):
    values = scale * random.normal(size=(rows, columns))
    return values.astype(np.float32)

  def scale():
    return (1 + 0.3 * random.normal(size=WIDTH)).astype(np.float32)

  arrays = {
      'token_embedder/embedding': draw(STAGE.vocab_size, WIDTH),
      'relpos_bias/rel_embedding': draw(HEADS, 32),
      'decoder_norm/scale': scale(),
  }
  heads = HEADS * HEAD
  for index in range(LAYERS):
    layer = f'layers_{index}/'
    arrays |= {
        f'{layer}pre_self_attention_layer_norm/scale': scale(),
        # t5x's initializer divides queries by the root of a head's width.
        f'{layer}self_attention/query/kernel': draw(WIDTH, heads, 0.1),
        f'{layer}self_attention/key/kernel': draw(WIDTH, heads, 0.25),
        f'{layer}self_attention/value/kernel': draw(WIDTH, heads, 0.25),
        f'{layer}self_attention/out/kernel': draw(heads, WIDTH, 0.25),
        f'{layer}pre_mlp_layer_norm/scale': scale(),
        f'{layer}mlp/wi_0/kernel': draw(WIDTH, HIDDEN, 0.25),
        f'{layer}mlp/wi_1/kernel': draw(WIDTH, HIDDEN, 0.25),
        f'{layer}mlp/wo/kernel': draw(HIDDEN, WIDTH, 0.2),
    }
  return {f'decoder/{name}': array for name, array in arrays.items()}


def bucket(distance):
  """Which of 32 buckets a place so far back has; the future has the first."""
  if distance < 16:
    return max(distance, 0)
  octaves = np.log(distance / 16) / np.log(128 / 16)
  return min(16 + int(octaves * 16), 31)


def may_look(targets, segment_ids=None):
  """Back, to places with a target, in the same segment."""
  places = np.arange(targets.shape[1])
  mask = (places[None, :, None] >= places[None, None]) & (
      (targets > 0)[:, :, None] & (targets > 0)[:, None]
  )
  if segment_ids is not None:
    mask &= segment_ids[:, :, None] == segment_ids[:, None]
  return mask


def logits(arrays, inputs, targets, segment_ids=None):
  """What t5x's network says, in float64."""
  p = {name: array.astype(np.float64) for name, array in arrays.items()}
  embedding = p['decoder/token_embedder/embedding']
  places = np.arange(inputs.shape[1])
  buckets = np.array([[bucket(q - k) for k in places] for q in places])
  bias = p['decoder/relpos_bias/rel_embedding'][:, buckets]
  mask = may_look(targets, segment_ids)[:, None]
  x = embedding[inputs]
  layers = {n.split('/')[1] for n in p if n.startswith('decoder/layers_')}
  for index in range(len(layers)):
    layer = {
        name.removeprefix(f'decoder/layers_{index}/'): array
        for name, array in p.items()
    }
    h = _norm(x, layer['pre_self_attention_layer_norm/scale'])
    x = x + _attention(layer, h, bias, mask)
    h = _norm(x, layer['pre_mlp_layer_norm/scale'])
    gate = _gelu(h @ layer['mlp/wi_0/kernel'])
    x = x + (gate * (h @ layer['mlp/wi_1/kernel'])) @ layer['mlp/wo/kernel']
  x = _norm(x, p['decoder/decoder_norm/scale'])
  return x @ embedding.T / np.sqrt(embedding.shape[1])


def _norm(x, scale):
  return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6) * scale


def _gelu(x):
  return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _attention(layer, x, bias, mask):
  """Scores are not divided by the root of a head's width."""
  heads = {}
  for name in ('query', 'key', 'value'):
    y = x @ layer[f'self_attention/{name}/kernel']
    y = y.reshape(*x.shape[:2], len(bias), -1)
    heads[name] = y.transpose(0, 2, 1, 3)
  scores = heads['query'] @ heads['key'].swapaxes(2, 3)
  scores = scores + bias + np.where(mask, 0, -1e10)
  weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
  weights /= weights.sum(axis=-1, keepdims=True)
  y = (weights @ heads['value']).transpose(0, 2, 1, 3)
  return y.reshape(*x.shape[:2], -1) @ layer['self_attention/out/kernel']


def write(model_dir, arrays, step=STEP, dtype='float32'):
  """MODEL_DIR/checkpoint_STEP as t5x has it, beside its stage.json."""
  folder = pathlib.Path(model_dir) / f'checkpoint_{step}'
  folder.mkdir(parents=True)
  target = {}
  for name, array in arrays.items():
    spec = _spec(f'target/{name}', array.shape, dtype)
    absolute = {
        **spec,
        'kvstore': {
            'driver': 'file',
            'path': str(folder.resolve() / spec['kvstore']['path']),
        },
    }
    stored = tensorstore.open(absolute, create=True).result()
    stored.write(array.astype(stored.dtype.numpy_dtype)).result()
    target[name] = spec
  # Of the optimizer nothing is stored here: nobody has to read it.
  slots = {n: {'v': _spec(f'state/{n}/v', (1,), dtype)} for n in arrays}
  state = {'step': np.int32(step), 'param_states': _nested(slots)}
  index = {
      'version': 3,
      'optimizer': {'target': _nested(target), 'state': state},
  }
  (folder / 'checkpoint').write_bytes(serialization.msgpack_serialize(index))
  said = {
      'stage': STAGE.to_config(),
      'crop_seconds': 1.0,
      'tokenizers': TOKENIZERS,
  }
  text = json.dumps(said, indent=2) + '\n'
  (pathlib.Path(model_dir) / 'stage.json').write_text(text)
  return folder


def _spec(name, shape, dtype):
  """What t5x's index says of an array; TensorStore's JSON."""
  return {
      'driver': 'zarr',
      'dtype': dtype,
      'kvstore': {'driver': 'file', 'path': name.replace('/', '.')},
      'metadata': {
          'compressor': {'id': 'gzip'},
          'shape': list(shape),
          'chunks': list(shape),
      },
  }


def _nested(by_name):
  tree = {}
  for name, value in by_name.items():
    *folders, last = name.split('/')
    node = tree
    for folder in folders:
      node = node.setdefault(folder, {})
    node[last] = value
  return tree


if __name__ == '__main__':
  write(sys.argv[1], parameters())
