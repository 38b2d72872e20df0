"""What shows how a codec is doing, beside its losses."""

from jaxtyping import Array, Float

from audiolm_jax.soundstream import codebooks, losses
from audiolm_jax.soundstream.codebooks import Codebooks
from audiolm_jax.soundstream.sounds import Sound
from audiolm_jax.training.state import Metrics


def health(
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
