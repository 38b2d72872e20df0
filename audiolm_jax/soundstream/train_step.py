"""One step of training a SoundStream (s. III-D, III-E)."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from audiolm_jax.soundstream import balancer, codebooks, losses, quantizer
from audiolm_jax.soundstream.adversary import Adversary, Round
from audiolm_jax.soundstream.codebooks import Codebooks
from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.soundstream.quantizer import Quantized
from audiolm_jax.training.state import (
    Batch,
    Metrics,
    TrainState,
    Waveform,
    unbox,
)


class Sound(NamedTuple):
  """A batch, cut to whole frames.

  Attributes:
    waveform: Zero in the padding.
    samples: True where there is sound.
    frames: True where a frame has any sound.
    num_valid: Number of true samples.
  """

  waveform: Float[Array, 'B N']
  samples: Bool[Array, 'B N']
  frames: Bool[Array, 'B T']
  num_valid: Float[Array, '']


@dataclasses.dataclass(frozen=True, eq=False)
class SoundStreamTrainStep:
  """Implements training.state.TrainStep; batches are {'waveform', 'length'}.

  With the balancer a loss of weight 2 pulls every output waveform twice as hard
  as one of weight 1, whatever the losses' own sizes. Without it
  (`balancer_decay=None`) the weights multiply the losses as they are. The
  paper's lambdas, 1 for the adversary, 100 for features, 1 for the spectrum,
  are then Adversary.weights = {'adversarial': 1, 'feature_matching': 100} and
  weights = {'spectral': N} for crops of N samples: the paper sums the spectral
  loss over the clip where ours is a mean.

  Attributes:
    model: The codec.
    tx: Optimizer of the codec, with its own clipping.
    adversary: The discriminators; None trains without.
    weights: Of 'spectral' and 'waveform'; what is left out is not computed.
    commitment_weight: Of the commitment loss, outside of the balancer.
    balancer_decay: Of the average gradient norms; None for plain weights.
    codebook_decay: Of the codebooks' averages.
    revival_threshold: Usage, as a fraction of uniform, under which a code dies.
  """

  model: SoundStream
  tx: optax.GradientTransformation
  adversary: Adversary | None = None
  weights: Mapping[str, float] = dataclasses.field(
      default_factory=lambda: {'spectral': 1.0, 'waveform': 0.1}
  )
  commitment_weight: float = 0.25
  balancer_decay: float | None = 0.99
  codebook_decay: float = 0.99
  revival_threshold: float = 0.1

  def variables(self, key: PRNGKeyArray, batch: Batch) -> dict[str, PyTree]:
    """Returns {'params', 'mutables'}; kernels carry logical axis names."""
    generator_key, discriminator_key = jax.random.split(key)
    waveform = batch['waveform'][:1]
    frame = waveform[:, : self.model.hop_length]
    generator = self.model.init(generator_key, frame)['params']
    discriminator = (
        self.adversary.init(discriminator_key, waveform)
        if self.adversary
        else {}
    )
    books = codebooks.empty(
        self.model.num_quantizers,
        self.model.codebook_size,
        self.model.embedding_dim,
    )
    return {
        'params': {'generator': generator, 'discriminator': discriminator},
        'mutables': {
            'codebooks': books,
            'balancer': balancer.empty(self._weights),
        },
    }

  def init(self, key: PRNGKeyArray, batch: Batch) -> TrainState:
    """Returns the state before the first step."""
    variables = unbox(self.variables(key, batch))
    params = variables['params']
    discriminator = (
        self.adversary.tx.init(params['discriminator'])
        if self.adversary
        else {}
    )
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        opt_state={
            'generator': self.tx.init(params['generator']),
            'discriminator': discriminator,
        },
        mutables=variables['mutables'],
    )

  def step(
      self, state: TrainState, batch: Batch, key: PRNGKeyArray
  ) -> tuple[TrainState, Metrics]:
    """Moves codec, codebooks and discriminators with one forward pass."""
    codec_key, revival_key = jax.random.split(
        jax.random.fold_in(key, state.step)
    )
    sound = self._sound(batch)
    params = state.params['generator']

    def codec(params: PyTree) -> tuple[Any, Any]:
      books = state.mutables['codebooks']
      return self._train_codec(params, books, sound, codec_key)

    (output, commitment), pull, (quantized, books) = jax.vjp(
        codec, params, has_aux=True
    )
    values, gradients = self._reconstruction(sound, output)
    game = self._play(state, sound, output)
    norms, cotangent = self._balance(
        state.mutables['balancer'], gradients | game.gradients
    )
    (grads,) = pull((cotangent, jnp.float32(self.commitment_weight)))
    updates, opt_state = self.tx.update(
        grads, state.opt_state['generator'], params
    )
    books = codebooks.update(
        books,
        quantized,
        revival_key,
        self.codebook_decay,
        self.revival_threshold,
    )
    new_state = TrainState(
        step=state.step + 1,
        params={
            'generator': optax.apply_updates(params, updates),
            'discriminator': game.params,
        },
        opt_state={'generator': opt_state, 'discriminator': game.opt_state},
        mutables={'codebooks': books, 'balancer': norms},
    )
    metrics = values | game.losses | {'commitment': commitment}
    return new_state, metrics | self._health(sound, output, books)

  def evaluate(self, state: TrainState, batch: Batch) -> Metrics:
    """Reconstruction from all levels; means over true samples."""
    sound = self._sound(batch)
    output, commitment = self._codec(state, sound)
    values, _ = self._reconstruction(sound, output)
    metrics = values | {'commitment': commitment, 'weight': sound.num_valid}
    books = state.mutables['codebooks']
    return metrics | self._health(sound, output, books)

  def waveforms(
      self, state: TrainState, batch: Batch
  ) -> Mapping[str, Waveform]:
    """Returns 'original' and 'reconstruction' (all levels)."""
    sound = self._sound(batch)
    output, _ = jax.jit(self._codec)(state, sound)
    pair = {'original': sound.waveform, 'reconstruction': output}
    return {
        name: Waveform(np.asarray(samples), self.model.sample_rate)
        for name, samples in pair.items()
    }

  def model_config(self) -> dict[str, Any]:
    """The model's sizes, without how it computes."""
    names = (
        'encoder_channels',
        'decoder_channels',
        'embedding_dim',
        'num_quantizers',
        'codebook_size',
        'sample_rate',
    )
    sizes = {name: getattr(self.model, name) for name in names}
    return {'kind': 'soundstream', 'strides': list(self.model.strides), **sizes}

  def _sound(self, batch: Batch) -> Sound:
    hop = self.model.hop_length
    num_frames = batch['waveform'].shape[-1] // hop
    waveform = batch['waveform'][:, : num_frames * hop]
    length = jnp.minimum(batch['length'], num_frames * hop)
    samples = losses.valid_samples(length, num_frames * hop)
    frames = jnp.arange(num_frames)[None] * hop < length[:, None]
    num_valid = jnp.maximum(samples.sum(), 1).astype(jnp.float32)
    waveform = jnp.where(samples, waveform, 0.0)
    return Sound(waveform, samples, frames, num_valid)

  def _encode(self, params: PyTree, sound: Sound) -> Float[Array, 'B T D']:
    return self.model.apply({'params': params}, sound.waveform, method='encode')

  def _decode(
      self, params: PyTree, z: Float[Array, 'B T D'], sound: Sound
  ) -> Float[Array, 'B N']:
    output = self.model.apply({'params': params}, z, method='decode')
    # Nothing is learnt from what comes out where there was no sound.
    return jnp.where(sound.samples, output, 0.0)

  def _train_codec(
      self, params: PyTree, books: Codebooks, sound: Sound, key: PRNGKeyArray
  ) -> tuple[tuple[Array, Array], tuple[Quantized, Codebooks]]:
    """(output, commitment), and what the codebooks learn from."""
    init_key, dropout_key = jax.random.split(key)
    z = self._encode(params, sound)
    books = codebooks.initialize(books, z, sound.frames, init_key)
    num_levels = quantizer.draw_num_levels(
        dropout_key, len(z), self.model.num_quantizers
    )
    quantized = quantizer.quantize(z, books.vectors, num_levels, sound.frames)
    output = self._decode(params, quantized.z, sound)
    return (output, quantized.commitment), (quantized, books)

  def _codec(self, state: TrainState, sound: Sound) -> tuple[Array, Array]:
    """Output and commitment with all levels."""
    params = state.params['generator']
    z = self._encode(params, sound)
    num_levels = jnp.full(len(z), self.model.num_quantizers)
    vectors = state.mutables['codebooks'].vectors
    quantized = quantizer.quantize(z, vectors, num_levels, sound.frames)
    return self._decode(params, quantized.z, sound), quantized.commitment

  def _reconstruction(
      self, sound: Sound, output: Float[Array, 'B N']
  ) -> tuple[dict[str, Array], dict[str, Array]]:
    """Losses that need no discriminator, and their gradients."""
    functions = {
        'spectral': functools.partial(
            losses.spectral_loss, sample_rate=self.model.sample_rate
        ),
        'waveform': losses.waveform_loss,
    }
    pairs = {
        name: jax.value_and_grad(functions[name], argnums=1)(
            sound.waveform, output, sound.num_valid
        )
        for name in self.weights
    }
    return (
        {name: value for name, (value, _) in pairs.items()},
        {name: gradient for name, (_, gradient) in pairs.items()},
    )

  def _play(
      self, state: TrainState, sound: Sound, output: Float[Array, 'B N']
  ) -> Round:
    params = state.params['discriminator']
    opt_state = state.opt_state['discriminator']
    if self.adversary is None:
      return Round({}, {}, params, opt_state)
    return self.adversary.play(
        params, opt_state, state.step, sound.waveform, output
    )

  @property
  def _weights(self) -> dict[str, float]:
    adversarial = self.adversary.weights if self.adversary else {}
    return {**self.weights, **adversarial}

  def _balance(
      self, norms: balancer.Averages, gradients: dict[str, Array]
  ) -> tuple[balancer.Averages, Float[Array, 'B N']]:
    if self.balancer_decay is None:
      weighted = {k: self._weights[k] * g for k, g in gradients.items()}
      return norms, sum(weighted.values())
    norms = balancer.update(norms, gradients, self.balancer_decay)
    return norms, balancer.balance(gradients, norms, self._weights)

  def _health(
      self, sound: Sound, output: Float[Array, 'B N'], books: Codebooks
  ) -> Metrics:
    """Fidelity of the waveform, and how much of each codebook is in use."""
    snr = losses.si_snr(sound.waveform, output, sound.samples).mean()
    perplexity = codebooks.perplexity(books.usage)
    dead = codebooks.num_dead(books.usage, self.revival_threshold)
    levels = range(self.model.num_quantizers)
    return (
        {'si_snr': snr}
        | {f'perplexity/{q + 1:02}': perplexity[q] for q in levels}
        | {f'dead_codes/{q + 1:02}': dead[q] for q in levels}
    )
