"""From spectra through the codes to a waveform, while the codes are learnt."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from audiolm_jax.semantic_vq import speaking
from audiolm_jax.semantic_vq.crops import Heard
from audiolm_jax.semantic_vq.model import SemanticVq
from audiolm_jax.soundstream import quantizer
from audiolm_jax.soundstream.codebooks import Codebooks
from audiolm_jax.soundstream.quantizer import Quantized


def latents(
    model: SemanticVq,
    params: PyTree,
    spectra: Float[Array, 'B T F'],
    valid: Bool[Array, 'B T'],
    counted: Bool[Array, 'B T'],
) -> Float[Array, 'B T D']:
  """Returns SemanticVq.latents of the model with these parameters."""
  return model.apply(
      {'params': params}, spectra, valid, counted, method='latents'
  )


def quantize(
    books: Codebooks, z: Float[Array, 'B T D'], valid: Bool[Array, 'B T']
) -> Quantized:
  """The codes of latents: one level, which every row keeps."""
  levels = jnp.ones(len(z), jnp.int32)
  return quantizer.quantize(z, books.vectors, levels, valid)


def decode(
    model: SemanticVq,
    params: PyTree,
    codes: Float[Array, 'B T D'],
    heard: Heard,
    average: Callable[[Array, Array], Array],
) -> Float[Array, 'B N']:
  """The waveform of the codes' vectors.

  Args:
    model: The networks.
    params: Their parameters.
    codes: Vectors of the codes, or latents.
    heard: The crops whose voices speak.
    average: Function for the mean voice that frames are told: speaking.of_all
      or speaking.of_the_other_half.
  """
  # These spectra keep their mean, which latents go without: it tells the voice.
  valid, variables = heard.valid, {'params': params}
  voice = model.apply(variables, heard.spectra, valid, method='voice')
  output = model.apply(
      variables, codes, average(voice, valid), valid, method='decode'
  )
  # Nothing is learnt from what comes out where there was no sound.
  return jnp.where(heard.samples, output, 0.0)


def speak(
    model: SemanticVq, params: PyTree, books: Codebooks, heard: Heard
) -> tuple[Float[Array, 'B N'], Quantized]:
  """Crops spoken again from their codes, each by its own voice."""
  z = latents(model, params, heard.spectra, heard.valid, heard.valid)
  quantized = quantize(books, z, heard.valid)
  output = decode(model, params, quantized.z, heard, speaking.of_all)
  return output, quantized
