"""The stages of a bundle as samplers that follow each other."""

from typing import NamedTuple

from audiolm_jax.bundle import Bundle
from audiolm_jax.errors import UserError
from audiolm_jax.lm.sampling import Sampling
from audiolm_jax.stage_sampler import StageSampler
from audiolm_jax.tokens.layout import Stage


class Samplings(NamedTuple):
  """How the stages sample; the defaults are AudioLM's (s. IV-B)."""

  semantic: Sampling = Sampling(0.6)
  coarse: Sampling = Sampling(0.8)
  fine: Sampling = Sampling(0.6)


AUDIOLM = Samplings()


def samplers(
    bundle: Bundle, samplings: Samplings = AUDIOLM, may_end: bool = False
) -> dict[str, StageSampler]:
  """By name; there need not be a fine stage.

  Args:
    bundle: Has the models.
    samplings: How they sample.
    may_end: Whether the models may say that a recording is over.

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
  return {
      name: StageSampler(
          lm,
          getattr(samplings, name).check(),
          stages['coarse'].units_per_second,
          ends[name],
      )
      for name, lm in models.items()
  }


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
