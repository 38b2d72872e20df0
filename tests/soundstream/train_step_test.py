"""Tests of a training step of the codec."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from audiolm_jax.bundle import parts
from audiolm_jax.soundstream import balancer
from audiolm_jax.soundstream.adversary import Adversary
from audiolm_jax.soundstream.discriminators import Discriminators
from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.soundstream.spectral_model import SpectralSoundStream
from audiolm_jax.soundstream.train_step import SoundStreamTrainStep
from audiolm_jax.training import optimizers, partitioning
from audiolm_jax.training.checkpoints.loading import Model
from audiolm_jax.training.state import is_boxed

KEY = jax.random.key(0)
MODEL = SoundStream(
    4, 4, strides=(4, 8), embedding_dim=8, num_quantizers=3, codebook_size=8
)

SPECTRAL = SpectralSoundStream(
    encoder_layers=1,
    encoder_dim=16,
    decoder_layers=1,
    decoder_dim=16,
    frame_length=32,
    stack=1,
    analysis_window=64,
    synthesis_window=128,
    embedding_dim=8,
    num_quantizers=3,
    codebook_size=8,
)


def tune(rows=4, samples=640):
  t = np.arange(samples) / 16000
  pitches = 200 * np.arange(1, rows + 1)[:, None]
  waveform = 0.3 * np.sin(2 * np.pi * pitches * t[None]).astype(np.float32)
  length = np.full(rows, samples, np.int32)
  return {'waveform': jnp.asarray(waveform), 'length': jnp.asarray(length)}


# The STFT discriminator needs a little more sound.
LONG = tune(samples=1920)


def adversarial(start_step=0, **settings):
  discriminator = Discriminators(4, 16, 4, num_scales=1)
  tx = optimizers.adam(1e-3)
  return Adversary(discriminator, tx, start_step=start_step, **settings)


@pytest.fixture(scope='module')
def plain():
  return SoundStreamTrainStep(MODEL, optimizers.adam(1e-3))


@pytest.fixture(scope='module')
def step(plain):
  return jax.jit(plain.step)


@pytest.fixture(scope='module')
def evaluate(plain):
  return jax.jit(plain.evaluate)


@pytest.fixture(scope='module')
def state(plain):
  return jax.jit(plain.init)(KEY, tune())


# Adam would blow the rounding of small gradients up to whole steps.
SGD = optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.01))


@pytest.fixture(scope='module')
def game():
  """The discriminators join in at the third step."""
  return SoundStreamTrainStep(MODEL, SGD, adversarial(start_step=2))


@pytest.fixture(scope='module')
def played(game):
  """State at the start and after each of three steps; metrics of those."""
  step = jax.jit(game.step)
  states, metrics = [jax.jit(game.init)(KEY, LONG)], []
  for _ in range(3):
    state, found = step(states[-1], LONG, KEY)
    states.append(state)
    metrics.append(found)
  return states, metrics


def all_finite(tree):
  return all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))


def same(a, b):
  pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
  return all((x == y).all() for x, y in pairs)


def test_losses_fall(step, evaluate, state):
  first = evaluate(step(state, tune(), KEY)[0], tune())
  for _ in range(60):
    state, _ = step(state, tune(), KEY)
  last = evaluate(state, tune())
  assert last['spectral'] < 0.8 * first['spectral']
  assert all_finite(state)


def test_silence_leaves_everything_finite(step, state):
  silence = tune() | {'waveform': jnp.zeros((4, 640))}
  for batch in (silence, tune(), silence):
    state, metrics = step(state, batch, KEY)
    assert all_finite((state, metrics))


def test_quantization_can_wait(plain, step, state):
  late = SoundStreamTrainStep(MODEL, optimizers.adam(1e-3), quantize_from=1)
  step_late = jax.jit(late.step)
  once, found = step_late(state, tune(), KEY)
  _, metrics = step(state, tune(), KEY)
  assert found['commitment'] == 0 and metrics['commitment'] > 0
  # The codebooks learn all the same, and are there when they are needed.
  assert once.mutables['codebooks'].initialized
  twice, found = step_late(once, tune(), KEY)
  again, metrics = step(once, tune(), KEY)
  np.testing.assert_allclose(found['spectral'], metrics['spectral'], rtol=1e-4)
  assert found['commitment'] > 0 and all_finite((twice, again))


def test_the_decoder_alone_can_train(step, state, played):
  tx = optimizers.adam(1e-3, weight_decay=0.1)
  alone = SoundStreamTrainStep(
      MODEL, tx, adversarial(), decoder_only=True, commitment_weight=1.0
  )
  before, _ = step(state, LONG, KEY)
  start = played[0][0]
  params = start.params | {'generator': before.params['generator']}
  before = start.replace(
      params=params,
      opt_state=start.opt_state | {'generator': tx.init(params['generator'])},
      mutables=start.mutables | {'codebooks': before.mutables['codebooks']},
  )
  after, _ = jax.jit(alone.step)(before, LONG, KEY)
  old, new = (x.params['generator'] for x in (before, after))
  assert same(old['encoder'], new['encoder'])
  assert same(before.mutables['codebooks'], after.mutables['codebooks'])
  assert not same(old['decoder'], new['decoder'])


def test_padding_is_not_trained_on(step, state):
  batch = tune() | {'length': jnp.array([640, 320, 100, 0])}
  loud = batch['waveform'].at[1, 320:].set(9.0).at[3].set(-9.0)
  one, _ = step(state, batch, KEY)
  other, _ = step(state, batch | {'waveform': loud}, KEY)
  assert same(one, other)


def test_noise_is_of_the_step_and_the_key(step, state):
  once, _ = step(state, tune(), KEY)
  again, _ = step(state, tune(), KEY)
  other, _ = step(state, tune(), jax.random.key(1))
  assert same(once, again) and not same(once, other)


def test_evaluation_is_deterministic_and_uses_all_levels(step, evaluate, state):
  state, _ = step(state, tune(), KEY)
  metrics = evaluate(state, tune())
  assert metrics['weight'] == 4 * 640
  quiet = state.mutables['codebooks']._replace(
      vectors=state.mutables['codebooks'].vectors.at[1:].set(0.0)
  )
  coarse = state.replace(mutables=state.mutables | {'codebooks': quiet})
  assert evaluate(coarse, tune())['spectral'] != metrics['spectral']


def test_a_tail_shorter_than_a_frame_is_left_out(step, evaluate, state):
  state, _ = step(state, tune(), KEY)
  long = {k: v for k, v in tune(samples=650).items()}
  cut = {'waveform': long['waveform'][:, :640], 'length': tune()['length']}
  assert same(evaluate(state, long), evaluate(state, cut))


def test_perplexity_and_dead_codes_are_reported_per_level(step, state):
  _, metrics = step(state, tune(), KEY)
  for level in ('01', '02', '03'):
    assert 1 <= metrics[f'perplexity/{level}'] <= 8.01
    assert metrics[f'dead_codes/{level}'] >= 0
  assert 'perplexity/04' not in metrics


def test_a_collapsed_level_is_named(plain):
  metrics = {'spectral': 0.5, 'perplexity/01': 8.0, 'perplexity/02': 1.0}
  [warning] = plain.warnings(metrics)
  assert warning.startswith('level 2 has collapsed: of its 8 codes 1.0 are in')
  assert not plain.warnings(metrics | {'perplexity/02': 2.5})


def test_waveforms_are_what_went_in_and_came_out(plain, step, state):
  state, _ = step(state, tune(), KEY)
  sounds = plain.waveforms(state, tune())
  np.testing.assert_array_equal(sounds['original'].samples, tune()['waveform'])
  assert sounds['reconstruction'].samples.shape == (4, 640)
  assert sounds['reconstruction'].sample_rate == 16000


def test_config_rebuilds_the_model(plain):
  config = json.loads(json.dumps(plain.model_config()))
  assert config.pop('kind') == 'soundstream'
  rebuilt = SoundStream(**config | {'strides': tuple(config['strides'])})
  assert rebuilt == MODEL


@pytest.fixture(scope='module')
def spectral():
  """Trains the spectral pair, its losses as they are."""
  return SoundStreamTrainStep(
      SPECTRAL,
      optimizers.adam(3e-3),
      weights={'spectral': 0.4, 'complex': 3.0},
      balancer_decay=None,
      full_depth_share=0.5,
  )


def test_the_spectral_pair_learns_and_is_rebuilt(spectral):
  step, evaluate = jax.jit(spectral.step), jax.jit(spectral.evaluate)
  state = jax.jit(spectral.init)(KEY, tune())
  state, _ = step(state, tune(), KEY)
  first = evaluate(state, tune())
  for _ in range(40):
    state, _ = step(state, tune(), KEY)
  last = evaluate(state, tune())
  assert last['spectral'] < 0.8 * first['spectral'] and all_finite(state)
  assert last['complex'] < first['complex']
  config = json.loads(json.dumps(spectral.model_config()))
  assert parts.build(config) == SPECTRAL
  assert config['kind'] == 'spectral_soundstream'


def test_an_average_of_the_parameters_is_what_is_used():
  learner = SoundStreamTrainStep(SPECTRAL, SGD, ema_decay=0.5)
  step = jax.jit(learner.step)
  states = [jax.jit(learner.init)(KEY, tune())]
  for _ in range(3):
    states.append(step(states[-1], tune(), KEY)[0])
  average = states[0].params
  for number, state in enumerate(states[1:]):
    decay = min(0.5, (1 + number) / (10 + number))
    average = jax.tree.map(
        lambda old, new, decay=decay: decay * old + (1 - decay) * new,
        average,
        state.params,
    )
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5),
      states[-1].mutables['ema'],
      average,
  )
  used = states[-1].replace(params=average, mutables={**states[-1].mutables})
  used.mutables.pop('ema')
  np.testing.assert_allclose(
      learner.evaluate(states[-1], tune())['spectral'],
      learner.evaluate(used, tune())['spectral'],
      rtol=1e-4,
  )
  model = Model(learner.model_config(), states[-1].params, states[-1].mutables)
  books = states[-1].mutables['codebooks']._asdict()
  model = model._replace(mutables=model.mutables | {'codebooks': books})
  name, part = parts.from_checkpoint(model)
  assert name == 'acoustic_tokenizer'
  assert same(part.arrays['params'], states[-1].mutables['ema']['generator'])


@pytest.mark.parametrize('model', [MODEL, SPECTRAL])
def test_every_parameter_names_its_axes(model):
  train_step = SoundStreamTrainStep(model, optimizers.adam(1e-3), adversarial())
  variables = jax.eval_shape(train_step.variables, KEY, LONG)
  leaves = jax.tree.leaves(variables['params'], is_leaf=is_boxed)
  assert all(map(is_boxed, leaves))


def test_warm_in_equals_training_alone(played, state):
  states, metrics = played
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5, equal_nan=False),
      states[0].params['generator'],
      state.params['generator'],
  )
  alone = SoundStreamTrainStep(MODEL, SGD)
  # Without discriminators, whose weights the key draws apart.
  state = states[0].replace(
      params=states[0].params | {'discriminator': {}},
      opt_state=states[0].opt_state | {'discriminator': {}},
      mutables=states[0].mutables | {'balancer': balancer.empty(alone.weights)},
  )
  step = jax.jit(alone.step)
  for _ in range(2):
    state, _ = step(state, LONG, KEY)
  assert metrics[1]['adversarial'] == 0
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5, equal_nan=False),
      states[2].params['generator'],
      state.params['generator'],
  )
  first, warm, last = (states[i].params['discriminator'] for i in (0, 2, 3))
  assert same(warm, first)
  assert metrics[2]['discriminator'] > 0 and all_finite(states[3])
  assert not same(last, first)


def test_published_weights_multiply_the_losses_as_they_are(state):
  settings = dict(commitment_weight=0.0, balancer_decay=None)
  steps = [
      SoundStreamTrainStep(
          MODEL,
          optimizers.adam(1.0, eps=1e3, clip_norm=float('inf')),
          weights=weights,
          **settings,
      )
      for weights in ({'waveform': 1.0}, {'waveform': 3.0})
  ]
  moves = []
  for train_step in steps:
    start = train_step.init(KEY, tune())
    after, _ = jax.jit(train_step.step)(start, tune(), KEY)
    moves.append(
        jax.tree.map(
            lambda a, b: a - b,
            after.params['generator'],
            start.params['generator'],
        )
    )
  kernels = [m['decoder']['CausalConv_1']['kernel'] for m in moves]
  # Under so large an epsilon Adam's update is proportional to the gradient.
  np.testing.assert_allclose(kernels[1], 3 * kernels[0], rtol=0.05)


@pytest.mark.slow
def test_four_devices_train_like_one(game, played):
  states, metrics = played
  partitioner = partitioning.Partitioner(
      partitioning.make_mesh(data=4),
      partitioning.standard_logical_axis_rules(),
  )
  compiled = partitioner.compile(game, KEY, LONG)
  current = compiled.init()
  for _ in range(3):
    current, found = compiled.step(current, partitioner.put(LONG), KEY)
  for name, value in metrics[2].items():
    np.testing.assert_allclose(
        found[name],
        value,
        rtol=0.02,
        atol=1e-3,
        equal_nan=False,
        err_msg=name,
    )
  # Steps of SGD are small: the weights show more of them than the losses do.
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=2e-4, equal_nan=False),
      current.params['generator'],
      states[3].params['generator'],
  )
