"""Measures of how a codec is doing, beside its losses."""

from collections.abc import Mapping

from jaxtyping import Array, Float

from audiolm_jax.soundstream import codebooks, losses
from audiolm_jax.soundstream.codebooks import Codebooks
from audiolm_jax.soundstream.sounds import Sound
from audiolm_jax.training.state import Metrics

# Fraction of its codes below which a level counts as collapsed.
_COLLAPSED = 0.01


def measure(
    sound: Sound,
    output: Float[Array, 'B N'],
    books: Codebooks,
    revival_threshold: float,
) -> Metrics:
  """Fidelity of the waveform in dB, and how much of each codebook is in use."""
  snr = losses.si_snr(sound.target, output, sound.samples).mean()
  perplexity = codebooks.perplexity(books.usage)
  dead = codebooks.num_dead(books.usage, revival_threshold)
  levels = range(len(books.usage))
  return (
      {'si_snr': snr}
      | {f'perplexity/{q + 1:02}': perplexity[q] for q in levels}
      | {f'dead_codes/{q + 1:02}': dead[q] for q in levels}
  )


def collapsed(metrics: Mapping[str, float], codebook_size: int) -> list[str]:
  """A line for each level that uses next to none of its codes."""
  threshold = max(2, _COLLAPSED * codebook_size)
  return [
      f'level {int(name.removeprefix("perplexity/"))} has collapsed: of its'
      f' {codebook_size} codes {value:.1f} are in use; lower the learning rate,'
      ' or let the codec begin without quantization (quantize_from).'
      for name, value in metrics.items()
      if name.startswith('perplexity/') and value < threshold
  ]
