"""Seconds to import public models and to encode with them, beside torch.

  taskset -c 0 python -m bench.pretrained  # needs torch and transformers

Random weights at the sizes that `transformers` builds by default; one JSON
object a line, medians of rounds in which the two take turns on one core.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from absl import app, flags

from audiolm_jax.pretrained import checkpoint, families, modules
from audiolm_jax.training import memory

SECONDS = flags.DEFINE_float('seconds', 4.0, 'Length of the clip.')
ROUNDS = flags.DEFINE_integer(
    'rounds', 5, 'Number of rounds, of which the median counts.'
)
FAMILIES = flags.DEFINE_list(
    'families', list(families.FAMILIES), 'Families to time.'
)

_CLASSES = {
    'encodec': 'Encodec',
    'dac': 'Dac',
    'mimi': 'Mimi',
    'hubert': 'Hubert',
    'wav2vec2': 'Wav2Vec2',
    'w2v-bert-2.0': 'Wav2Vec2Bert',
}


def measure(name: str) -> dict[str, Any]:
  """Imports one family and lets both implementations encode a clip."""
  import torch
  import transformers

  torch.set_num_threads(1)
  config = getattr(transformers, f'{_CLASSES[name]}Config')()
  reference = getattr(transformers, f'{_CLASSES[name]}Model')(config).eval()
  with tempfile.TemporaryDirectory() as folder:
    reference.save_pretrained(folder)
    start = time.perf_counter()
    model, params = modules.convert(name, checkpoint.read(folder))
    import_seconds = time.perf_counter() - start
  samples = round(SECONDS.value * model.frame_rate) * model.hop_length
  waveform = np.random.default_rng(0).standard_normal((1, samples), np.float32)
  ours = _ours(model, params, 0.1 * waveform)
  theirs = _theirs(torch, reference, model, 0.1 * waveform)
  times = [(_seconds(ours), _seconds(theirs)) for _ in range(ROUNDS.value + 1)]
  mine, other = map(statistics.median, zip(*times[1:], strict=True))
  return {
      'family': name,
      'import_seconds': round(import_seconds, 2),
      'real_time_factor': round(SECONDS.value / mine, 2),
      'torch_real_time_factor': round(SECONDS.value / other, 2),
      'times_torch': round(other / mine, 2),
  }


def _ours(model: Any, params: Any, waveform: np.ndarray) -> Callable[[], Any]:
  lengths = np.array([waveform.shape[1]])

  @jax.jit
  def encode(params, waveform):
    variables = {'params': params}
    if hasattr(model, 'num_quantizers'):
      return model.apply(variables, waveform, lengths, method='encode')
    layer = model.num_layers
    return model.apply(variables, waveform, lengths, layer, method='features')

  params = jax.device_put(params)
  return lambda: jax.block_until_ready(encode(params, waveform))


def _theirs(
    torch: Any, reference: Any, model: Any, waveform: np.ndarray
) -> Callable[[], Any]:
  audio = torch.tensor(waveform)

  def encode() -> Any:
    with torch.inference_mode():
      if hasattr(model, 'num_quantizers'):
        name = reference.config.model_type
        extra = {'encodec': {'bandwidth': 24.0}}.get(name, {})
        return reference.encode(audio[:, None], **extra)
      if reference.config.model_type == 'wav2vec2-bert':
        # Its features are the extractor's work, in NumPy; left out here.
        return reference(torch.randn(1, audio.shape[1] // 320, 160))
      return reference(audio)

  return encode


def _seconds(run: Callable[[], Any]) -> float:
  start = time.perf_counter()
  run()
  return time.perf_counter() - start


def main(argv):
  del argv
  memory.keep_freed_memory()
  for name in FAMILIES.value:
    print(json.dumps(measure(name)), flush=True)


if __name__ == '__main__':
  app.run(main)
