"""True prompts in the place of what a codec made of them."""

from collections.abc import Iterator, Sequence

import numpy as np

from audiolm_jax.generation.generations import Generation, Waveform

# A prompt gives way to the codec's copy of it within so long.
_FADE_SECONDS = 0.02


def keep_prompt(
    generation: Generation, prompt: Waveform, sample_rate: int
) -> Waveform:
  """A generation with its true prompt, which gives way within 20 ms.

  Args:
    generation: Continuation of a prompt.
    prompt: The same; what is beyond whole units is not used.
    sample_rate: Sample rate of both, in Hz.
  """
  own = prompt[: generation.prompt_samples]
  return begin_with(own, generation.waveform, sample_rate)


def begin_with(
    prompt: Waveform, waveform: Waveform, sample_rate: int
) -> Waveform:
  """The same for the beginning of a stream, which is at least as long."""
  end = len(prompt)
  fade = min(round(_FADE_SECONDS * sample_rate), end)
  weight = np.ones(end, np.float32)
  weight[end - fade :] = np.linspace(1, 0, fade, dtype=np.float32)
  mixed = weight * prompt + (1 - weight) * waveform[:end]
  return np.concatenate([mixed, waveform[end:]])


def begin_stream_with(
    prompts: Sequence[Waveform],
    chunks: Iterator[list[Waveform]],
    sample_rate: int,
) -> Iterator[list[Waveform]]:
  """Chunks of streams whose first one begins with the true prompts.

  Args:
    prompts: One for each stream, in whole units.
    chunks: Chunks from `AudioLM.stream_from_start`.
    sample_rate: Sample rate of both, in Hz.
  """
  begun = [np.zeros(0, np.float32)] * len(prompts)
  for chunk in chunks:
    begun = [np.concatenate(pair) for pair in zip(begun, chunk, strict=True)]
    # A codec that looks ahead holds the prompt's end back.
    if all(len(x) >= len(y) for x, y in zip(begun, prompts, strict=True)):
      break
  yield [
      begin_with(prompt, waveform, sample_rate)
      for prompt, waveform in zip(prompts, begun, strict=True)
  ]
  yield from chunks
