"""Real-time factors of codecs on one core: ours beside EnCodec and DAC.

  taskset -c 0 python -m bench.codecs  # needs torch and transformers

One JSON object a line: seconds of audio encoded and decoded per second, the
median of rounds in which all codecs take turns. Weights are random, which
changes no speed. `bound` is what the multiplications would allow at the rate of
a large matrix product on the same core.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import app, flags

from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.tokens.tokenizers.soundstream import soundstream_codec
from audiolm_jax.training import memory
from audiolm_jax.training.state import unbox
from bench import timing

SECONDS = flags.DEFINE_float('seconds', 4.0, 'Length of the clip.')
ROUNDS = flags.DEFINE_integer(
    'rounds', 7, 'Number of rounds, of which the median counts.'
)
WIDTHS = flags.DEFINE_list(
    'widths',
    ['32/32', '16/16', '16/32', '32/16', '8/8', '8/32'],
    "Encoder/decoder channels: the rows of SoundStream's Table I.",
)
PEERS = flags.DEFINE_bool('peers', True, 'EnCodec and DAC on torch, too.')


class Codec(NamedTuple):
  """A codec to time.

  Attributes:
    name: In the table.
    parameters: Parameters of encoder and decoder, without codebooks.
    encode: Encodes the clip and waits for the codes.
    decode: Decodes codes of the clip's length and waits for the waveform.
    flops: Operations of encoding and decoding, NaN if unknown.
  """

  name: str
  parameters: int
  encode: Callable[[], Any]
  decode: Callable[[], Any]
  flops: tuple[float, float]


def ours(encoder_channels: int, decoder_channels: int) -> Codec:
  """SoundStream at 16 kHz, 8 levels of 1024 codes."""
  model = SoundStream(encoder_channels, decoder_channels, num_quantizers=8)
  frame = np.zeros((1, model.hop_length), np.float32)
  params = jax.eval_shape(model.init, jax.random.key(0), frame)['params']
  random = np.random.default_rng(0)
  params = jax.tree.map(
      lambda leaf: 0.05 * random.standard_normal(leaf.shape, np.float32),
      unbox(params),
  )
  books = random.standard_normal((8, 1024, model.embedding_dim), np.float32)
  codec = soundstream_codec(model)
  num_frames = round(SECONDS.value * model.frame_rate)
  waveform = np.zeros((1, num_frames * model.hop_length), np.float32)
  weights = jax.device_put((params, books))
  waveform += 0.1 * random.standard_normal(waveform.shape, np.float32)
  encode, encode_flops = _compiled(codec.encode, weights, waveform, None)
  codes = np.asarray(encode())
  decode, decode_flops = _compiled(codec.decode, weights, codes)
  return Codec(
      f'SoundStream {encoder_channels}/{decoder_channels}',
      sum(leaf.size for leaf in jax.tree.leaves(params)),
      encode,
      decode,
      (encode_flops, decode_flops),
  )


def _compiled(function: Callable, *args: Any) -> tuple[Callable, float]:
  compiled = jax.jit(function).lower(*args).compile()
  flops = compiled.cost_analysis()['flops']
  return lambda: jax.block_until_ready(compiled(*args)), flops


def peers() -> Iterator[Codec]:
  """Yields the peers in `transformers`, at the bit rates nearest to ours."""
  import torch
  import transformers

  torch.set_num_threads(1)
  encodec = transformers.EncodecModel(transformers.EncodecConfig()).eval()
  dac = transformers.DacModel(
      transformers.DacConfig(sampling_rate=16000, n_codebooks=12)
  ).eval()
  for name, model, rate in (
      ('EnCodec 24 kHz', encodec, 24000),
      ('DAC 16 kHz', dac, 16000),
  ):
    yield _peer(torch, name, model, rate)


def _peer(torch: Any, name: str, model: Any, rate: int) -> Codec:
  waveform = 0.1 * torch.randn(1, 1, round(SECONDS.value * rate))
  bandwidth = {'bandwidth': 6.0} if 'EnCodec' in name else {}

  def encode():
    with torch.inference_mode():
      return model.encode(waveform, **bandwidth)

  encoded = encode()
  arguments = {'audio_codes': encoded.audio_codes}
  if bandwidth:
    arguments['audio_scales'] = encoded.audio_scales

  def decode():
    with torch.inference_mode():
      return model.decode(**arguments)

  books = sum(p.numel() for n, p in model.quantizer.named_parameters())
  parameters = sum(p.numel() for p in model.parameters()) - books
  return Codec(name, parameters, encode, decode, (float('nan'),) * 2)


def alternate(codecs: list[Codec]) -> list[tuple[float, float]]:
  """Median seconds of encoding and decoding, all codecs taking turns."""
  runs = [[] for _ in codecs]
  for _ in range(ROUNDS.value + 1):
    for codec, found in zip(codecs, runs, strict=True):
      found.append((_seconds(codec.encode), _seconds(codec.decode)))
  # The first round fills caches.
  return [
      tuple(statistics.median(times) for times in zip(*found[1:], strict=True))
      for found in runs
  ]


def _seconds(run: Callable[[], Any]) -> float:
  start = time.perf_counter()
  run()
  return time.perf_counter() - start


def main(argv):
  del argv
  memory.keep_freed_memory()
  codecs = [ours(*map(int, pair.split('/'))) for pair in WIDTHS.value]
  codecs += list(peers()) if PEERS.value else []
  peak = timing.matmul_flops()
  for codec, seconds in zip(codecs, alternate(codecs), strict=True):
    audio = SECONDS.value
    line = {'codec': codec.name, 'parameters': codec.parameters}
    for what, taken, flops in zip(
        ('encode', 'decode'), seconds, codec.flops, strict=True
    ):
      line[f'{what}_real_time_factor'] = round(audio / taken, 2)
      if flops == flops:
        line[f'{what}_bound'] = round(audio * peak / flops, 1)
    print(json.dumps(line), flush=True)


if __name__ == '__main__':
  app.run(main)
