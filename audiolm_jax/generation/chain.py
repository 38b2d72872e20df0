"""The models of a bundle as samplers that follow each other."""

from collections.abc import Mapping
from typing import NamedTuple

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.errors import UserError
from audiolm_jax.generation import kinds
from audiolm_jax.generation.acoustics import Acoustics, Autoregressive, Parallel
from audiolm_jax.generation.stage_sampler import StageSampler
from audiolm_jax.lm.sampling.methods import Sampling
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.stages import coarse


class Samplings(NamedTuple):
  """Ways to sample each model; the stages' defaults are AudioLM's (s. IV-B)."""

  semantic: Sampling = Sampling(0.6)
  coarse: Sampling = Sampling(0.8)
  fine: Sampling = Sampling(0.6)
  soundstorm: Sampling = Sampling(1.0)


AUDIOLM = Samplings()


def recommended(bundle: Bundle) -> Samplings:
  """AudioLM's samplings, at the temperatures that the bundle asks for."""
  return at_temperatures(AUDIOLM, bundle.temperatures)


def at_temperatures(
    samplings: Samplings, temperatures: Mapping[str, float]
) -> Samplings:
  """The samplings with other temperatures for the models that are named."""
  return Samplings(
      *(
          sampling._replace(
              temperature=temperatures.get(name, sampling.temperature)
          )
          for name, sampling in samplings._asdict().items()
      )
  )


class Chain(NamedTuple):
  """The models that make a canvas, one after the other.

  Attributes:
    semantic: Makes semantic tokens; None if codes follow from codes alone.
    acoustics: Makes acoustic codes.
    clock: A stage that counts in the units of canvases.
  """

  semantic: StageSampler | None
  acoustics: Acoustics
  clock: Stage


def autoregressive(
    bundle: Bundle, samplings: Samplings | None = None, may_end: bool = False
) -> Chain:
  """Three stages, or two where there is no fine one (AudioLM s. III-C).

  Args:
    bundle: Has the models.
    samplings: Ways to sample the models; None for those that the bundle
      recommends.
    may_end: Whether they may say that a recording is over.

  Raises:
    UserError: A stage is missing or does not fit the one before it.
  """
  samplings = samplings or recommended(bundle)
  stages = {
      name: bundle.language_model(name).stage for name in ('semantic', 'coarse')
  }
  _check_repeats(stages, bundle.where)
  clock = stages['coarse']
  # Where semantic tokens keep their time, they alone say where the end is.
  coarse_ends = may_end and stages['semantic'].target.deduplicate
  return Chain(
      _sampler(bundle, 'semantic', samplings.semantic, clock, may_end),
      _acoustics(bundle, 'coarse', samplings, clock, coarse_ends),
      clock,
  )


def acoustic_only(
    bundle: Bundle, samplings: Samplings | None = None, may_end: bool = False
) -> Chain:
  """No semantic stage: what AudioLM is compared with on piano (s. IV-I).

  Raises:
    UserError: The stage is missing, or the fine one does not fit it.
  """
  samplings = samplings or recommended(bundle)
  levels = bundle.language_model('acoustic_only').stage.target.levels
  # Prompts are cut as they are for the other chains.
  clock = coarse(bundle.tokenizers.sizes, levels.stop)
  acoustics = _acoustics(bundle, 'acoustic_only', samplings, clock, may_end)
  return Chain(None, acoustics, clock)


def parallel(
    bundle: Bundle, samplings: Samplings | None = None, may_end: bool = False
) -> Chain:
  """SoundStorm behind the semantic stage, instead of the other two.

  Raises:
    UserError: There is no SoundStorm, or it does not fit the semantic stage.
  """
  samplings = samplings or recommended(bundle)
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
      _sampler(bundle, 'semantic', samplings.semantic, model.stage, may_end),
      Parallel(model, temperature, rate),
      model.stage,
  )


# By the name of what makes the sound of semantic tokens.
CHAINS = {
    kinds.AUTOREGRESSIVE: autoregressive,
    kinds.PARALLEL: parallel,
    kinds.ACOUSTIC_ONLY: acoustic_only,
}


def preferred(bundle: Bundle) -> str:
  """SoundStorm where there is one: it is faster, and better at equal tokens."""
  if 'soundstorm' in bundle.parts:
    return kinds.PARALLEL
  return kinds.AUTOREGRESSIVE


def _acoustics(
    bundle: Bundle,
    first: str,
    samplings: Samplings,
    clock: Stage,
    may_end: bool,
) -> Autoregressive:
  """The stage that makes the first levels, and the fine one if there is one."""
  start = _sampler(bundle, first, samplings.coarse, clock, may_end)
  if 'fine' not in bundle.language_models:
    return Autoregressive(start, None)
  fine = _sampler(bundle, 'fine', samplings.fine, clock, False)
  made, given = start.stage.target.levels.stop, fine.stage.target.levels.start
  if given != made:
    raise UserError(
        f'{bundle.where}: the {first} stage makes {made} levels and the fine'
        f' stage wants {given}; train both with the same num_coarse.'
    )
  return Autoregressive(start, fine)


def _sampler(
    bundle: Bundle, name: str, sampling: Sampling, clock: Stage, may_end: bool
) -> StageSampler:
  lm = bundle.language_model(name)
  return StageSampler(lm, sampling.check(), clock.units_per_second, may_end)


def _check_repeats(stages: dict[str, Stage], where: str) -> None:
  """Refuses stages of which one drops repeated tokens and the next wants."""
  if stages['semantic'].target.deduplicate and not any(
      field.deduplicate for field in stages['coarse'].prefix
  ):
    raise UserError(
        f'{where}: the semantic stage drops repeated tokens and the coarse'
        ' stage wants them; train both with the same deduplicate.'
    )
