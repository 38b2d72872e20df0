"""From a waveform through the codes to a waveform, while the codec trains."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from audiolm_jax.soundstream import codebooks, quantizer
from audiolm_jax.soundstream.codebooks import Codebooks
from audiolm_jax.soundstream.networks import Networks
from audiolm_jax.soundstream.quantizer import Quantized
from audiolm_jax.soundstream.sounds import Sound


class Learnt(NamedTuple):
  """The latents and codes that the codebooks learn from.

  Attributes:
    quantized: The batch, with the levels that each row kept.
    books: Before the batch; after k-means if it is the first.
  """

  quantized: Quantized
  books: Codebooks


def encode(
    model: Networks, params: PyTree, sound: Sound
) -> Float[Array, 'B T D']:
  """The latents of the waveform."""
  return model.apply(
      {'params': params}, sound.waveform, sound.denoise, method='encode'
  )


def decode(
    model: Networks, params: PyTree, z: Float[Array, 'B T D'], sound: Sound
) -> Float[Array, 'B N']:
  """The waveform of the latents."""
  output = model.apply({'params': params}, z, method='decode')
  # Nothing is learnt from what comes out where there was no sound.
  return jnp.where(sound.samples, output, 0.0)


def with_some_levels(
    model: Networks,
    params: PyTree,
    books: Codebooks,
    z: Float[Array, 'B T D'],
    sound: Sound,
    num_levels: Int[Array, ' B'],
    key: PRNGKeyArray,
    quantizing: Bool[Array, ''],
) -> tuple[tuple[Float[Array, 'B N'], Float[Array, '']], Learnt]:
  """(Output, commitment) of each row's first levels, and what is learnt.

  Unless it is `quantizing` the decoder hears z itself and nothing commits.
  """
  books = codebooks.initialize(books, z, sound.frames, key)
  quantized = quantizer.quantize(z, books.vectors, num_levels, sound.frames)
  z = jnp.where(quantizing, quantized.z, z)
  commitment = jnp.where(quantizing, quantized.commitment, 0.0)
  output = decode(model, params, z, sound)
  return (output, commitment), Learnt(quantized, books)


def with_all_levels(
    model: Networks, params: PyTree, books: Codebooks, sound: Sound
) -> tuple[Float[Array, 'B N'], Float[Array, '']]:
  """Output and commitment."""
  z = encode(model, params, sound)
  num_levels = jnp.full(len(z), model.num_quantizers)
  quantized = quantizer.quantize(z, books.vectors, num_levels, sound.frames)
  return decode(model, params, quantized.z, sound), quantized.commitment
