"""One step of training a SoundStream (s. III-D, III-E)."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from audiolm_jax.soundstream import (
    balancer,
    codebooks,
    forward,
    health,
    initial,
    losses,
    quantizer,
    sounds,
)
from audiolm_jax.soundstream.adversary import Adversary, Round
from audiolm_jax.soundstream.codebooks import Codebooks
from audiolm_jax.soundstream.forward import Learnt
from audiolm_jax.soundstream.networks import Networks, kind_of
from audiolm_jax.soundstream.sounds import Sound
from audiolm_jax.training import descent
from audiolm_jax.training.state import (
    Batch,
    Metrics,
    TrainState,
    Waveform,
    sizes,
    unbox,
)


@dataclasses.dataclass(frozen=True, eq=False)
class SoundStreamTrainStep:
  """Implements training.state.TrainStep; batches as in sounds.from_batch.

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
    weights: Weights of the losses by name (losses.reconstruction); what is left
      out is not computed.
    commitment_weight: Weight of the commitment loss, outside of the balancer.
      The balanced gradients are small: at 0.25, VQ-VAE's, commitment wins and
      the latents shrink to nothing; at 0 nothing keeps them from growing.
    full_depth_share: Share of the rows that keep all levels, whatever the
      quantizer dropout of the others.
    quantize_from: Until this step the decoder hears the latents as they are, so
      that it needs them before commitment pulls at them. The codebooks follow
      from the start.
    decoder_only: Encoder and codebooks stay as they are, and so do the tokens:
      language models that learnt from them go on fitting.
    balancer_decay: Decay of the average gradient norms; None for plain weights.
    codebook_decay: Decay of the codebooks' averages.
    ema_decay: Decay of the moving average of the codec's parameters, which
      evaluations and bundles then use; None for none.
    revival_threshold: Usage, as a fraction of uniform, under which a code dies.
  """

  model: Networks
  tx: optax.GradientTransformation
  adversary: Adversary | None = None
  weights: Mapping[str, float] = dataclasses.field(
      default_factory=lambda: {'spectral': 1.0, 'waveform': 0.1}
  )
  commitment_weight: float = 0.01
  full_depth_share: float = 0.0
  quantize_from: int = 0
  decoder_only: bool = False
  balancer_decay: float | None = 0.99
  codebook_decay: float = 0.99
  revival_threshold: float = 0.1
  ema_decay: float | None = None

  def variables(self, key: PRNGKeyArray, batch: Batch) -> dict[str, PyTree]:
    """Returns {'params', 'mutables'}; kernels carry logical axis names."""
    return initial.variables(
        self.model, self.adversary, self._weights, self.ema_decay, key, batch
    )

  def init(self, key: PRNGKeyArray, batch: Batch) -> TrainState:
    """Returns the state before the first step."""
    variables = unbox(self.variables(key, batch))
    return initial.state(variables, self.tx, self.adversary)

  def step(
      self, state: TrainState, batch: Batch, key: PRNGKeyArray
  ) -> tuple[TrainState, Metrics]:
    """Moves codec, codebooks and discriminators with one forward pass."""
    # The noise follows from (key, step): a resumed run draws the same.
    codec_key, revival_key = jax.random.split(
        jax.random.fold_in(key, state.step)
    )
    sound = sounds.from_batch(batch, self.model.hop_length)
    params = state.params['generator']

    def codec(params: PyTree) -> tuple[Any, Learnt]:
      return self._codec(params, state, sound, codec_key)

    # One forward pass for all losses. Each has its gradient at the output; the
    # balancer makes one of them, and that alone goes back through the decoder.
    (output, commitment), pull, learnt = jax.vjp(codec, params, has_aux=True)
    values, gradients = self._reconstruction(sound, output)
    game = self._play(state, sound, output)
    norms, cotangent = balancer.combine(
        gradients | game.gradients,
        state.mutables['balancer'],
        self._weights,
        self.balancer_decay,
    )
    # Commitment is a matter of the latents and none of the output, so it is not
    # among what the balancer weighs.
    (grads,) = pull((cotangent, jnp.float32(self.commitment_weight)))
    params, opt_state = self._move(params, grads, state.opt_state['generator'])
    # Codebooks follow averages of what chose them (VQ-VAE, appendix A.1), and
    # no gradient: the optimizer does not see them.
    books = self._learn(learnt, revival_key)
    params = {'generator': params, 'discriminator': game.params}
    new_state = TrainState(
        step=state.step + 1,
        params=params,
        opt_state={'generator': opt_state, 'discriminator': game.opt_state},
        mutables={
            'codebooks': books,
            'balancer': norms,
            **self._average(state, params),
        },
    )
    found = values | game.losses | {'commitment': commitment}
    return new_state, found | health.measure(
        sound, output, books, self.revival_threshold
    )

  def evaluate(self, state: TrainState, batch: Batch) -> Metrics:
    """Reconstruction from all levels; means over true samples."""
    sound = sounds.from_batch(batch, self.model.hop_length)
    output, commitment = self._reconstruct(state, sound)
    values, _ = self._reconstruction(sound, output)
    found = values | {'commitment': commitment, 'weight': sound.num_valid}
    books = state.mutables['codebooks']
    return found | health.measure(sound, output, books, self.revival_threshold)

  def waveforms(
      self, state: TrainState, batch: Batch
  ) -> Mapping[str, Waveform]:
    """Returns 'original' and 'reconstruction' (all levels)."""
    sound = sounds.from_batch(batch, self.model.hop_length)
    output, _ = jax.jit(self._reconstruct)(state, sound)
    pair = {'original': sound.target, 'reconstruction': output}
    return {
        name: Waveform(np.asarray(samples), self.model.sample_rate)
        for name, samples in pair.items()
    }

  def warnings(self, metrics: Mapping[str, float]) -> list[str]:
    """Names the levels whose codebook has collapsed."""
    return health.collapsed(metrics, self.model.codebook_size)

  def model_config(self) -> dict[str, Any]:
    """JSON that rebuilds the model."""
    return {'kind': kind_of(self.model), **sizes(self.model)}

  def _reconstruction(
      self, sound: Sound, output: Float[Array, 'B N']
  ) -> tuple[dict[str, Array], dict[str, Array]]:
    return losses.reconstruction(
        self.weights, sound, output, self.model.sample_rate
    )

  def _codec(
      self, params: PyTree, state: TrainState, sound: Sound, key: PRNGKeyArray
  ) -> tuple[Any, Learnt]:
    books = state.mutables['codebooks']
    z = forward.encode(self.model, params, sound)
    if self.decoder_only:
      z = jax.lax.stop_gradient(z)
    quantizing = state.step >= self.quantize_from
    init_key, levels_key = jax.random.split(key)
    num_levels = quantizer.draw_num_levels(
        levels_key, len(z), self.model.num_quantizers, self.full_depth_share
    )
    return forward.with_some_levels(
        self.model, params, books, z, sound, num_levels, init_key, quantizing
    )

  def _reconstruct(
      self, state: TrainState, sound: Sound
  ) -> tuple[Array, Array]:
    books = state.mutables['codebooks']
    params = state.mutables.get('ema', state.params)['generator']
    return forward.with_all_levels(self.model, params, books, sound)

  def _move(
      self, params: PyTree, grads: PyTree, opt_state: PyTree
  ) -> tuple[PyTree, PyTree]:
    updates, opt_state = self.tx.update(grads, opt_state, params)
    moved = optax.apply_updates(params, updates)
    if self.decoder_only:
      # Weight decay would move the rest without a gradient.
      moved = {**params, 'decoder': moved['decoder']}
    return moved, opt_state

  def _average(self, state: TrainState, params: PyTree) -> dict[str, PyTree]:
    """The moving average of the parameters, if there is one."""
    if self.ema_decay is None:
      return {}
    ema = state.mutables['ema']
    ema = descent.moved_average(ema, params, state.step, self.ema_decay)
    return {'ema': ema}

  def _learn(self, learnt: Learnt, key: PRNGKeyArray) -> Codebooks:
    if self.decoder_only:
      return learnt.books
    return codebooks.update(
        learnt.books,
        learnt.quantized,
        key,
        self.codebook_decay,
        self.revival_threshold,
    )

  def _play(
      self, state: TrainState, sound: Sound, output: Float[Array, 'B N']
  ) -> Round:
    params = state.params['discriminator']
    opt_state = state.opt_state['discriminator']
    if self.adversary is None:
      return Round({}, {}, params, opt_state)
    return self.adversary.play(
        params, opt_state, state.step, sound.target, output
    )

  @property
  def _weights(self) -> dict[str, float]:
    adversarial = self.adversary.weights if self.adversary else {}
    return {**self.weights, **adversarial}
