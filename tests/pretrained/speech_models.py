"""What the tests of all speech models share."""

import jax
import numpy as np

from audiolm_jax.pretrained import checkpoint


def sounds(*sizes):
  """Clips of noise whose loudness changes, off zero as recordings may be."""
  random = np.random.default_rng(0)
  return [
      (
          0.1 * np.sin(np.arange(size) / 2000) * random.normal(size=size) + 0.02
      ).astype(np.float32)
      for size in sizes
  ]


def batch(clips, hop, num_frames=None):
  """Waveforms 'B N' and lengths ' B'; padding holds what must not be heard."""
  longest = max(map(len, clips))
  num_frames = num_frames or -(-longest // hop)
  waveform = np.full((len(clips), num_frames * hop), 0.7, np.float32)
  for row, clip in zip(waveform, clips, strict=True):
    row[: len(clip)] = clip
  return waveform, np.array([len(clip) for clip in clips], np.int32)


def extended(clip, hop, lacking):
  """A clip with the zeros that its last frame lacks."""
  num_frames = -(-len(clip) // hop)
  return np.pad(clip, (0, num_frames * hop + lacking - len(clip)))


def apply_features(model, params, waveform, lengths, layers):
  """Features of several layers: one compilation."""

  @jax.jit
  def run(params, waveform, lengths):
    return [
        model.apply(
            {'params': params}, waveform, lengths, layer, method='features'
        )
        for layer in layers
    ]

  return [np.asarray(layer) for layer in run(params, waveform, lengths)]


def relative_error(ours, theirs):
  assert ours.shape == theirs.shape
  return np.abs(ours - theirs).max() / np.abs(theirs).max()


def published(model, path):
  """Saves a model of transformers with no weight at rest, and reads it."""
  import torch

  torch.manual_seed(0)
  with torch.no_grad():
    for parameter in model.parameters():
      noise = torch.randn_like(parameter)
      parameter += 0.1 * noise * parameter.std().clamp(min=0.5)
  model.eval().save_pretrained(path)
  return checkpoint.read(path)


def extracted(clip, num_mels=80, sample_rate=16000):
  """What SeamlessM4TFeatureExtractor makes of a clip, without padding."""
  import transformers

  extractor = transformers.SeamlessM4TFeatureExtractor(
      feature_size=num_mels, num_mel_bins=num_mels, sampling_rate=sample_rate
  )
  inputs = extractor(clip, sampling_rate=sample_rate, return_tensors='np')
  return inputs.input_features[0][inputs.attention_mask[0] > 0]


def hidden_states(model, blocks, inputs):
  """Each block's input, and the last one's output, of a model in torch.

  Not `output_hidden_states`, whose last entry has changed between versions.
  """
  import torch

  states = []
  hooks = [
      block.register_forward_pre_hook(lambda _, args: states.append(args[0]))
      for block in blocks
  ]
  hooks.append(
      blocks[-1].register_forward_hook(lambda _, __, out: states.append(out))
  )
  with torch.no_grad():
    model(torch.tensor(inputs[None]))
  for hook in hooks:
    hook.remove()
  return [
      (state[0] if isinstance(state, tuple) else state).numpy()[0]
      for state in states
  ]
