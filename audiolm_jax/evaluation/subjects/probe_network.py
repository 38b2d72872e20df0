"""The network of the speaking probe: ids and a voice in, speech out."""

from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from audiolm_jax.semantic_vq import speaking
from audiolm_jax.semantic_vq.speaking import Speaker, Voice


class Probe(nn.Module):
  """A vector an id, a voice, and what speaks from both.

  Attributes:
    codebook_size: Different ids.
    id_dim: Width of an id's vector.
    hop_length: Samples a frame.
    num_layers: ConvNeXt blocks that speak.
    embed_dim: Their width.
    voice_layers: ConvNeXt blocks that hear the voice.
    voice_dim: Their width.
  """

  codebook_size: int
  id_dim: int
  hop_length: int
  num_layers: int = 6
  embed_dim: int = 256
  voice_layers: int = 2
  voice_dim: int = 128

  @nn.compact
  def __call__(
      self,
      ids: Int[Array, 'B T'],
      spectra: Float[Array, 'B T F'],
      valid: Bool[Array, 'B T'],
      whole: bool,
  ) -> Float[Array, 'B N']:
    """Speaks; `whole` clips give their voice, else each half the other's."""
    vectors = self.param(
        'vectors',
        nn.with_logical_partitioning(
            nn.initializers.normal(1.0), ('vocab', 'embed')
        ),
        (self.codebook_size, self.id_dim),
    )
    voice = Voice(self.voice_layers, self.voice_dim, name='voice')
    average = speaking.of_all if whole else speaking.of_the_other_half
    told = average(voice(spectra, valid), valid)
    return Speaker(
        self.num_layers, self.embed_dim, self.hop_length, name='speaker'
    )(vectors[ids], told, valid)
