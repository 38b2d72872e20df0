"""The pairs of networks that a codec may have; all keep one contract."""

from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.soundstream.spectral_model import SpectralSoundStream

Networks = SoundStream | SpectralSoundStream

# As configurations name them.
KINDS: dict[str, type[Networks]] = {
    'soundstream': SoundStream,
    'spectral_soundstream': SpectralSoundStream,
}


def kind_of(model: Networks) -> str:
  """The name that rebuilds the model's class."""
  return next(kind for kind, made in KINDS.items() if type(model) is made)
