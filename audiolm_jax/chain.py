"""The models of a bundle as samplers that follow each other."""

from typing import NamedTuple

from audiolm_jax.acoustics import Acoustics, Autoregressive, Parallel
from audiolm_jax.bundle import Bundle
from audiolm_jax.errors import UserError
from audiolm_jax.lm.sampling import Sampling
from audiolm_jax.stage_sampler import StageSampler
from audiolm_jax.tokens.layout import Stage


class Samplings(NamedTuple):
  """How the models sample; the stages' defaults are AudioLM's (s. IV-B)."""

  semantic: Sampling = Sampling(0.6)
  coarse: Sampling = Sampling(0.8)
  fine: Sampling = Sampling(0.6)
  soundstorm: Sampling = Sampling(1.0)


AUDIOLM = Samplings()


class Chain(NamedTuple):
  """What makes a draft.

  Attributes:
    semantic: Makes semantic tokens.
    acoustics: Makes acoustic codes of them.
    clock: A stage that counts in the units of drafts.
  """

  semantic: StageSampler
  acoustics: Acoustics
  clock: Stage


def autoregressive(
    bundle: Bundle, samplings: Samplings = AUDIOLM, may_end: bool = False
) -> Chain:
  """Three stages, or two where there is no fine one (AudioLM s. III-C).

  Args:
    bundle: Has the models.
    samplings: How they sample.
    may_end: Whether they may say that a recording is over.

  Raises:
    UserError: A stage is missing or does not fit the one before it.
  """
  names = ['semantic', 'coarse']
  names += ['fine'] if 'fine' in bundle.language_models else []
  models = {name: bundle.language_model(name) for name in names}
  stages = {name: lm.stage for name, lm in models.items()}
  _check_order(stages, bundle.where)
  # Where semantic tokens keep their time, they alone say where the end is.
  ends = {
      'semantic': may_end,
      'coarse': may_end and stages['semantic'].target.deduplicate,
      'fine': False,
  }
  clock = stages['coarse']
  samplers = {
      name: StageSampler(
          lm,
          getattr(samplings, name).check(),
          clock.units_per_second,
          ends[name],
      )
      for name, lm in models.items()
  }
  acoustics = Autoregressive(samplers['coarse'], samplers.get('fine'))
  return Chain(samplers['semantic'], acoustics, clock)


def parallel(
    bundle: Bundle, samplings: Samplings = AUDIOLM, may_end: bool = False
) -> Chain:
  """SoundStorm behind the semantic stage, instead of the other two.

  Raises:
    UserError: There is no SoundStorm, or it does not fit the semantic stage.
  """
  model, lm = bundle.soundstorm, bundle.language_model('semantic')
  if lm.stage.target.deduplicate:
    raise UserError(
        f'{bundle.where}: the semantic stage drops repeated tokens and'
        ' SoundStorm wants them; train a semantic stage with'
        ' deduplicate=False.'
    )
  rate = model.stage.units_per_second
  temperature = samplings.soundstorm.check().temperature
  return Chain(
      StageSampler(lm, samplings.semantic.check(), rate, may_end),
      Parallel(model, temperature, rate),
      model.stage,
  )


def _check_order(stages: dict[str, Stage], where: str) -> None:
  """Refuses stages that cannot follow each other."""
  coarse = stages['coarse']
  if stages['semantic'].target.deduplicate and not any(
      field.deduplicate for field in coarse.prefix
  ):
    raise UserError(
        f'{where}: the semantic stage drops repeated tokens and the coarse'
        ' stage wants them; train both with the same deduplicate.'
    )
  if 'fine' in stages:
    given = stages['fine'].target.levels.start
    if given != coarse.target.levels.stop:
      raise UserError(
          f'{where}: the coarse stage makes {coarse.target.levels.stop} levels'
          f' and the fine stage wants {given}; train both with the same'
          ' num_coarse.'
      )
