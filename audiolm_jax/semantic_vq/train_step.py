"""A training step of the semantic codes, as the train loop wants it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from audiolm_jax.semantic_vq import forward, perturbation, speaking
from audiolm_jax.semantic_vq.crops import Heard, hear, part_of
from audiolm_jax.semantic_vq.model import SemanticVq
from audiolm_jax.soundstream import codebooks, health, losses, quantizer
from audiolm_jax.soundstream.codebooks import Codebooks
from audiolm_jax.soundstream.quantizer import Quantized
from audiolm_jax.training import descent
from audiolm_jax.training.state import (
    Batch,
    Metrics,
    TrainState,
    TrainStep,
    Waveform,
    sizes,
)
from audiolm_jax.w2v_bert.losses import mean_over


@dataclasses.dataclass(frozen=True)
class SemanticVqTrainStep(TrainStep):
  """Spectra of what is spoken from the codes, and latents that stay near them.

  Batches are {'waveform' 'B N', 'length' 'B'}. The decoder is told the voice of
  the other half of the crop. A second view of the crop, perturbed, and with
  mean and deviation of a part of it alone, has to come near to the first view's
  codes: so a prompt's codes are those of the same seconds in a longer clip, and
  voices matter less.

  Attributes:
    model: Network that learns.
    tx: Its optimizer, with its own clipping.
    spectral_weight: Weight of soundstream.losses.spectral_loss.
    commitment_weight: Weight of the latents' distance from their codes.
    consistency_weight: Weight of the second view's distance from the first's
      codes; 0 leaves it out.
    warp: The second view's largest stretch of frequency
      (perturbation.perturb).
    shortest_share: Share of a crop that the second view's mean and deviation
      are taken over.
    quantize_from: Until this step the decoder hears the latents as they are.
    codebook_decay: Decay of the codebook's averages.
    revival_threshold: Usage, as a fraction of uniform, under which a code dies.
  """

  model: SemanticVq
  tx: optax.GradientTransformation
  spectral_weight: float = 0.4
  commitment_weight: float = 0.25
  consistency_weight: float = 1.0
  warp: float = 0.15
  shortest_share: float = 0.4
  quantize_from: int = 150
  codebook_decay: float = 0.99
  revival_threshold: float = 0.1

  def variables(self, key: PRNGKeyArray, batch: Batch) -> dict[str, PyTree]:
    """Returns {'params', 'mutables'}, boxed with the names of their axes."""
    # Parameters do not depend on the length; initializing is faster on little.
    waveform = jnp.zeros((1, 2 * self.model.hop_length))
    length = jnp.full(1, waveform.shape[1])
    params = self.model.init(key, waveform, length)['params']
    books = codebooks.empty(1, self.model.codebook_size, self.model.code_dim)
    return {'params': params, 'mutables': {'codebooks': books}}

  def init(self, key: PRNGKeyArray, batch: Batch) -> TrainState:
    """Returns the state before the first step."""
    return descent.start(self.tx, self.variables(key, batch))

  def step(
      self, state: TrainState, batch: Batch, key: PRNGKeyArray
  ) -> tuple[TrainState, Metrics]:
    """One step of the optimizer; its noise is fold_in(key, state.step)."""

    def loss(params, mutables, batch, key):
      # Traced: one program serves before and after.
      quantizing = state.step >= self.quantize_from
      return self._loss(params, mutables['codebooks'], batch, key, quantizing)

    return descent.step(self.tx, loss, state, batch, key)

  def evaluate(self, state: TrainState, batch: Batch) -> Metrics:
    """Losses of whole crops; the second view is a prompt of half a crop."""
    books = state.mutables['codebooks']
    heard = hear(self.model, batch)
    output, quantized = self._speak(state.params, books, heard)
    # As of a prompt, beside the same seconds in all of the crop.
    starts = jnp.arange(heard.valid.shape[1])[None]
    prompt = heard.valid & (2 * starts < heard.valid.sum(axis=1)[:, None])
    other = forward.latents(
        self.model, state.params, heard.spectra, heard.valid, prompt
    )
    found = self._agreement(books, quantized, other, prompt)
    distances = {'commitment': quantized.commitment, **found}
    return self._metrics(heard, output, distances, books)

  def waveforms(
      self, state: TrainState, batch: Batch
  ) -> Mapping[str, Waveform]:
    """Returns 'original', and 'spoken' from the codes."""
    heard = hear(self.model, batch)
    books = state.mutables['codebooks']
    output, _ = jax.jit(self._speak)(state.params, books, heard)
    pair = {'original': heard.target, 'spoken': output}
    return {
        name: Waveform(np.asarray(samples), self.model.sample_rate)
        for name, samples in pair.items()
    }

  def warnings(self, metrics: Mapping[str, float]) -> list[str]:
    """Says so if the codebook has collapsed."""
    return health.collapsed(metrics, self.model.codebook_size)

  def model_config(self) -> dict[str, Any]:
    """JSON that rebuilds the model."""
    return {'kind': 'semantic_vq', **sizes(self.model)}

  def _loss(
      self,
      params: PyTree,
      books: Codebooks,
      batch: Batch,
      key: PRNGKeyArray,
      quantizing: Bool[Array, ''],
  ) -> tuple[Float[Array, ''], tuple[Metrics, PyTree]]:
    keys = jax.random.split(key, 3)
    heard = hear(self.model, batch)
    z, other = self._two_views(params, heard, keys[0])
    books = codebooks.initialize(books, z, heard.valid, keys[1])
    quantized = forward.quantize(books, z, heard.valid)
    codes = jnp.where(quantizing, quantized.z, z)
    output = forward.decode(
        self.model, params, codes, heard, speaking.of_the_other_half
    )
    distances = {'commitment': quantized.commitment}
    if self.consistency_weight:
      distances |= self._agreement(books, quantized, other, heard.valid)
    distances = {
        name: jnp.where(quantizing, value, 0.0)
        for name, value in distances.items()
    }
    # Also before the decoder hears them: by then they fit the latents.
    books = codebooks.update(
        books, quantized, keys[2], self.codebook_decay, self.revival_threshold
    )
    metrics = self._metrics(heard, output, distances, books)
    return metrics['loss'], (metrics, {'codebooks': books})

  def _two_views(
      self, params: PyTree, heard: Heard, key: PRNGKeyArray
  ) -> tuple[Float[Array, 'B T D'], Float[Array, 'B T D']]:
    """Latents of the crop as it is, and as the second view has it."""
    valid, spectra = heard.valid, heard.spectra
    if not self.consistency_weight:
      z = forward.latents(self.model, params, spectra, valid, valid)
      return z, z
    part_key, warp_key = jax.random.split(key)
    part = part_of(part_key, valid, self.shortest_share)
    perturbed = perturbation.perturb(warp_key, spectra, self.warp)
    # One batch of both views: the encoder is compiled once.
    z = forward.latents(
        self.model,
        params,
        jnp.concatenate([spectra, perturbed]),
        jnp.concatenate([valid, valid]),
        jnp.concatenate([valid, part]),
    )
    first, second = jnp.split(z, 2)
    return first, second

  def _agreement(
      self,
      books: Codebooks,
      quantized: Quantized,
      other: Float[Array, 'B T D'],
      valid: Bool[Array, 'B T'],
  ) -> Metrics:
    """The second view's distance, and how often its codes are the same."""
    # Of the books, and not `quantized.z`, which hands gradients on to the first
    # view: the second has to come to it, not both to each other.
    vectors = quantizer.decode(quantized.codes, books.vectors)
    distance = jnp.square(other - vectors).mean(axis=-1)
    same = quantizer.encode(other, books.vectors) == quantized.codes
    return {
        'consistency': mean_over(distance, valid),
        'agreement': mean_over(same[..., 0], valid),
    }

  def _speak(
      self, params: PyTree, books: Codebooks, heard: Heard
  ) -> tuple[Float[Array, 'B N'], Quantized]:
    return forward.speak(self.model, params, books, heard)

  def _metrics(
      self, heard: Heard, output, distances: Metrics, books: Codebooks
  ) -> Metrics:
    num_valid = jnp.maximum(heard.samples.sum(), 1).astype(jnp.float32)
    spectral = losses.spectral_loss(
        heard.target, output, num_valid, self.model.sample_rate
    )
    loss = self.spectral_weight * spectral
    loss += self.commitment_weight * distances['commitment']
    loss += self.consistency_weight * distances.get('consistency', 0.0)
    return {
        'loss': loss,
        'spectral': spectral,
        **distances,
        'perplexity/01': codebooks.perplexity(books.usage)[0],
        'dead_codes/01': codebooks.num_dead(
            books.usage, self.revival_threshold
        )[0],
        'weight': num_valid,
    }
