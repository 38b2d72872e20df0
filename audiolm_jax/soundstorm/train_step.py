"""A training step of SoundStorm, as the train loop wants it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from audiolm_jax.soundstorm import masking
from audiolm_jax.soundstorm.model import SoundStorm
from audiolm_jax.training import descent
from audiolm_jax.training.state import (
    Batch,
    Hearing,
    Metrics,
    TrainState,
    TrainStep,
    Waveform,
    heard,
    sizes,
)
from audiolm_jax.w2v_bert import losses


@dataclasses.dataclass(frozen=True, eq=False)
class SoundStormTrainStep(TrainStep):
  """Masked codes from those around them.

  Batches are {'semantic': B T, 'acoustic': B T Q, 'lengths': B}, as
  tokens.batches.windows makes them.

  Attributes:
    model: The Conformer.
    tx: Its optimizer, with its own clipping.
    stage_config: tokens.layout.Stage.to_config() of the tokens.
    crop_seconds: Length of the windows, which samplers should not exceed.
    tokenizers: Fingerprints of the tokenizers whose tokens these are, by source
      ('semantic', 'acoustic').
    level_decay: Ratio of the probability that a level is learnt to that of the
      level below. 1 in the paper; with less, a small budget goes where most is
      heard.
    longest_prompt: Share of a window that may be prompt (masking.mask).
    ahead: Weights of the losses of the next levels above the one that is drawn.
      None in the paper. All their codes behind the prompt are hidden, and many
      of those below them are known, as when a sampler comes to them; each costs
      a head and no pass of the blocks.
    num_microbatches: Pieces that a batch is computed in, one after the other.
    ema_decay: Decay of the moving average of the parameters, which evaluations
      and bundles then use; None for none.
    hearing: Makes what one hears at evaluations; None for nothing.
  """

  model: SoundStorm
  tx: optax.GradientTransformation
  stage_config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  crop_seconds: float | None = None
  tokenizers: Mapping[str, str] = dataclasses.field(default_factory=dict)
  level_decay: float = 1.0
  longest_prompt: float = 1.0
  ahead: Sequence[float] = ()
  num_microbatches: int = 1
  ema_decay: float | None = None
  hearing: Hearing | None = None

  def __post_init__(self):
    if self.hearing:
      self.hearing.check(self.model_config())

  def variables(self, key: PRNGKeyArray, batch: Batch) -> dict[str, PyTree]:
    """Returns {'params', 'mutables'}; parameters carry logical axis names."""
    # Parameters do not depend on the length; initializing is faster on little.
    frame = jnp.zeros((1, 1), jnp.int32)
    codes = jnp.zeros((1, 1, self.model.num_quantizers), jnp.int32)
    params = self.model.init(key, frame, codes, frame[0], frame[0])['params']
    mutables = {} if self.ema_decay is None else {'ema': params}
    return {'params': params, 'mutables': mutables}

  def init(self, key: PRNGKeyArray, batch: Batch) -> TrainState:
    """Returns the state before the first step."""
    return descent.start(self.tx, self.variables(key, batch))

  def step(
      self, state: TrainState, batch: Batch, key: PRNGKeyArray
  ) -> tuple[TrainState, Metrics]:
    """One step of the optimizer; its noise is fold_in(key, state.step)."""
    return descent.step(
        self.tx,
        self._training_loss,
        state,
        batch,
        key,
        self.num_microbatches,
        self.ema_decay,
    )

  def evaluate(self, state: TrainState, batch: Batch) -> Metrics:
    """The same without dropout, under masks that stay."""
    params = state.mutables.get('ema', state.params)
    # Other windows, other masks: one row sees one level.
    key = jax.random.fold_in(jax.random.key(0), batch['acoustic'].sum())
    codes, lengths = batch['acoustic'], batch['lengths']
    masked = masking.mask(key, codes, lengths, self.model.mask_id)
    frames = self._frames(params, batch, masked, {})
    return self._metrics(params, batch, masked, frames)

  def waveforms(
      self, state: TrainState, batch: Batch
  ) -> Mapping[str, Waveform]:
    """Returns what `hearing` makes with the parameters that are evaluated."""
    return heard(self.hearing, self.model_config(), state)

  def model_config(self) -> dict[str, Any]:
    """Sizes of the model, and which tokens it knows."""
    return {
        'kind': 'soundstorm',
        **sizes(self.model),
        'stage': dict(self.stage_config),
        'crop_seconds': self.crop_seconds,
        'tokenizers': dict(self.tokenizers),
    }

  def _training_loss(
      self, params: PyTree, mutables: PyTree, batch: Batch, key: PRNGKeyArray
  ) -> tuple[Float[Array, ''], tuple[Metrics, PyTree]]:
    mask_key, dropout_key = jax.random.split(key)
    masked = masking.mask(
        mask_key,
        batch['acoustic'],
        batch['lengths'],
        self.model.mask_id,
        self.level_decay,
        self.longest_prompt,
    )
    # Blocks once, heads as often as there are levels to be learnt from them.
    frames = self._frames(params, batch, masked, {'dropout': dropout_key})
    metrics = self._metrics(params, batch, masked, frames)
    loss = metrics['loss']
    for distance, weight in enumerate(self.ahead, start=1):
      loss += weight * self._loss_ahead(params, batch, masked, frames, distance)
    return loss, (metrics, mutables)

  def _frames(
      self,
      params: PyTree,
      batch: Batch,
      masked: masking.Masked,
      rngs: Mapping[str, PRNGKeyArray],
  ) -> Float[Array, 'B T D']:
    """Dropout only where there is a random stream for it."""
    return self.model.apply(
        {'params': params},
        batch['semantic'],
        masked.codes,
        batch['lengths'],
        deterministic=not rngs,
        rngs=rngs,
        method='frames',
    )

  def _metrics(
      self,
      params: PyTree,
      batch: Batch,
      masked: masking.Masked,
      frames: Float[Array, 'B T D'],
  ) -> Metrics:
    loss, accuracy = self._prediction(
        params, batch, frames, masked.levels, masked.targets
    )
    return {
        'loss': loss,
        'accuracy': accuracy,
        'masked_fraction': losses.mean_over(masked.targets, self._valid(batch)),
        'weight': masked.targets.sum().astype(jnp.float32),
    }

  def _loss_ahead(
      self,
      params: PyTree,
      batch: Batch,
      masked: masking.Masked,
      frames: Float[Array, 'B T D'],
      distance: int,
  ) -> Float[Array, '']:
    """The loss of levels so far above the drawn ones, where they exist."""
    levels = masked.levels + distance
    exists = levels < self.model.num_quantizers
    # Any level will do where there is none, as no target counts there.
    levels = jnp.where(exists, levels, 0)
    # The prompt is not among them: all of its levels are known.
    hidden = _at_level(masked.codes, levels) == self.model.mask_id
    targets = hidden & exists[:, None] & self._valid(batch)
    return self._prediction(params, batch, frames, levels, targets)[0]

  def _prediction(
      self,
      params: PyTree,
      batch: Batch,
      frames: Float[Array, 'B T D'],
      levels: Int[Array, ' B'],
      targets: Bool[Array, 'B T'],
  ) -> tuple[Float[Array, ''], Float[Array, '']]:
    """Cross-entropy and accuracy of a level of each row."""
    logits = self.model.apply(
        {'params': params}, frames, levels, method='logits'
    )
    wanted = _at_level(batch['acoustic'], levels)
    return losses.masked_prediction(logits, wanted, targets)

  def _valid(self, batch: Batch) -> Array:
    frames = jnp.arange(batch['semantic'].shape[1])
    return frames[None] < batch['lengths'][:, None]


def _at_level(
    codes: Int[Array, 'B T Q'], levels: Int[Array, ' B']
) -> Int[Array, 'B T']:
  return jnp.take_along_axis(codes, levels[:, None, None], axis=-1)[..., 0]
