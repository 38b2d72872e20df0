"""Tests audiolm_jax/tokens/{fields,stages}.py."""

import itertools
import json

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from audiolm_jax.errors import UserError
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.fields import EOS, FIRST_ID, PAD, Field, deduplicate
from audiolm_jax.tokens.layout import Example, Stage
from audiolm_jax.tokens.stages import TRAITS, Sizes

RATES = [(25.0, 50.0), (22050 / 640, 22050 / 320), (50.0, 75.0), (50.0, 50.0)]


@st.composite
def all_sizes(draw) -> Sizes:
  semantic_rate, acoustic_rate = draw(st.sampled_from(RATES))
  return Sizes(
      semantic_codebook_size=draw(st.integers(1, 20)),
      semantic_rate=semantic_rate,
      acoustic_codebook_size=draw(st.integers(1, 20)),
      acoustic_rate=acoustic_rate,
      num_quantizers=draw(st.integers(1, 5)),
  )


@st.composite
def all_stages(draw, positions=('index', 'time')) -> tuple:
  """Draws what `make` makes a stage of."""
  sizes = draw(all_sizes())
  chosen = draw(st.sampled_from(positions))
  drop = draw(st.booleans()) and chosen == 'index'
  num_coarse = draw(st.integers(1, sizes.num_quantizers))
  names = ['semantic', 'coarse', 'fine'][: 2 + (num_coarse < sizes[-1])]
  return sizes, draw(st.sampled_from(names)), num_coarse, drop, chosen


def make(sizes, name, num_coarse, drop, positions) -> tuple[Sizes, Stage]:
  if name == 'semantic':
    return sizes, stages.semantic(sizes, drop, positions)
  if name == 'coarse':
    return sizes, stages.coarse(sizes, num_coarse, drop, positions)
  return sizes, stages.fine(sizes, num_coarse, positions)


def random_codes(sizes: Sizes, stage: Stage, units: int, seed: int):
  random = np.random.default_rng(seed)
  shapes = {
      'semantic': (sizes.semantic_codebook_size, 1),
      'acoustic': (sizes.acoustic_codebook_size, sizes.num_quantizers),
  }
  return {
      source: random.integers(size, size=(units * frames, levels))
      for source, frames in stage.frames_per_unit.items()
      for size, levels in [shapes[source]]
  }


def frames_of(stage: Stage, units: int) -> dict[str, int]:
  return {source: n * units for source, n in stage.frames_per_unit.items()}


def target_of(stage: Stage, example: Example) -> np.ndarray:
  return example.ids[example.loss_weights > 0]


@hypothesis.given(all_stages(), st.integers(0, 9), st.integers(0, 99))
def test_unflatten_undoes_flatten(sized, units, seed):
  sizes, stage = make(*sized)
  codes = random_codes(sizes, stage, units, seed)
  for field in stage.fields:
    expected = codes[field.source][:, list(field.levels)]
    if field.deduplicate:
      expected = deduplicate(expected)
    ids = field.flatten(codes[field.source])
    np.testing.assert_array_equal(field.unflatten(ids), expected)


def test_flattening_is_time_major():
  field = Field('acoustic', range(1, 3), 10, 50.0, offset=100)
  codes = np.array([[9, 1, 2], [9, 3, 4]])
  assert field.flatten(codes).tolist() == [101, 112, 103, 114]


def test_unflatten_stops_at_eos_and_drops_half_a_frame():
  field = Field('acoustic', range(2), 10, 50.0)
  assert field.unflatten(np.array([3, 13, EOS, 4, 14])).tolist() == [[1, 1]]
  assert field.unflatten(np.array([3, 13, 4])).tolist() == [[1, 1]]
  assert field.unflatten(np.array([PAD])).shape == (0, 2)


def test_unflatten_refuses_an_id_of_another_level():
  field = Field('acoustic', range(2), 10, 50.0)
  with pytest.raises(ValueError, match='level'):
    field.unflatten(np.array([13, 3]))


def test_flatten_refuses_codes_that_do_not_fit():
  field = Field('acoustic', range(2), 10, 50.0)
  with pytest.raises(ValueError, match='10 entries'):
    field.flatten(np.array([[0, 10]]))
  with pytest.raises(ValueError, match='levels up to 2'):
    field.flatten(np.array([[0]]))


@hypothesis.given(all_stages())
def test_no_two_levels_share_an_id(sized):
  _, stage = make(*sized)
  ids = [
      range(first, first + field.codebook_size)
      for field in stage.fields
      for first in field.level_offsets.tolist()
  ]
  taken = list(itertools.chain(*ids))
  assert len(set(taken)) == len(taken)
  assert min(taken) == FIRST_ID
  assert max(taken) < stage.vocab_size
  assert stage.vocab_size % 8 == 0


@hypothesis.given(all_stages(), st.integers(1, 9), st.booleans())
def test_every_target_id_is_a_candidate_where_it_stands(sized, units, ends):
  sizes, stage = make(*sized)
  codes = random_codes(sizes, stage, units, seed=units)
  ids = target_of(stage, stage.example(codes, frames_of(stage, units), ends))
  first, may_end, size = stage.candidates(len(ids), ends=ends)
  among = (first <= ids) & (ids < first + size)
  np.testing.assert_array_equal(among, ids != EOS)
  assert (may_end | among).all()
  assert (ids == EOS).sum() == ends


@hypothesis.given(all_stages(), st.integers(0, 7), st.integers(0, 99))
def test_whatever_is_a_candidate_makes_codes(sized, num_prompt_ids, seed):
  _, stage = make(*sized)
  first, _, size = stage.candidates(13, num_prompt_ids)
  ids = first + np.random.default_rng(seed).integers(size, size=13)
  skipped = -num_prompt_ids % len(stage.target.levels)
  codes = stage.target.unflatten(ids[skipped:])
  assert len(codes) == (13 - skipped) // len(stage.target.levels)


@hypothesis.given(all_stages(), st.integers(0, 7))
def test_eos_may_stand_between_frames_only(sized, num_prompt_ids):
  _, stage = make(*sized)
  candidates = stage.candidates(11, num_prompt_ids, ends=True)
  places = num_prompt_ids + np.arange(11)
  between = places % len(stage.target.levels) == 0
  np.testing.assert_array_equal(candidates.may_end, between & (places > 0))
  assert not stage.candidates(11, num_prompt_ids).may_end.any()
  assert (candidates.first >= FIRST_ID).all()


@hypothesis.given(
    all_stages(), st.integers(1, 9), st.integers(0, 4), st.booleans()
)
def test_only_the_target_and_its_end_get_loss(sized, units, missing, ends):
  sizes, stage = make(*sized)
  codes = random_codes(sizes, stage, units, seed=missing)
  example = stage.example(codes, frames_of(stage, units + missing), ends)
  target = stage.target.flatten(codes[stage.target.source]).tolist()
  assert target_of(stage, example).tolist() == target + [EOS] * ends
  assert (example.segment_ids[example.loss_weights > 0] == 1).all()
  assert set(example.ids[example.segment_ids == 0].tolist()) <= {PAD}


@hypothesis.given(
    all_stages(), st.integers(1, 9), st.integers(0, 4), st.integers(0, 9)
)
def test_sampling_sees_what_training_saw(sized, units, missing, prompted):
  """Ids of the prompt, and all distances up to the end, are those of training.

  In training, clips are also padded.
  """
  sizes, stage = make(*sized)
  codes = random_codes(sizes, stage, units, seed=missing)
  frames = frames_of(stage, units + missing)
  example = stage.example(codes, frames, ends=True)
  inside = np.flatnonzero(example.segment_ids)
  places = stage.positions_for(frames)[inside]
  known = stage.target.flatten(codes[stage.target.source][:prompted])
  num_ids = len(target_of(stage, example)) - len(known)

  ids, positions = stage.prompt(codes, prompted, num_ids)
  assert ids.tolist() == example.ids[inside][: len(ids)].tolist()
  assert len(positions) == len(ids) + num_ids == len(inside)
  assert positions.tolist() == (places - places[len(ids)]).tolist()


@hypothesis.given(all_stages(), st.integers(1, 9), st.integers(0, 9))
def test_what_follows_a_prompt_begins_at_position_0(sized, units, prompted):
  sizes, stage = make(*sized)
  codes = random_codes(sizes, stage, units, seed=prompted)
  ids, positions = stage.prompt(codes, prompted, num_ids=1)
  assert positions[len(ids)] == 0
  nothing_follows = stage.prompt(codes, prompted, num_ids=0)
  assert nothing_follows.positions.tolist() == positions[:-1].tolist()


@hypothesis.given(all_stages(['time']), st.integers(1, 9), st.integers(0, 9))
def test_a_moment_has_one_time_in_all_fields(sized, units, unit):
  """What is predicted at a unit's start is as far from all that starts there.

  An id is read one place after the one where it is predicted.
  """
  sizes, stage = make(*sized)
  frames, unit = frames_of(stage, units), unit % units
  positions = stage.positions_for(frames)
  finest = max(stage.frames_per_unit.values())
  starts, place = [], 0
  for field in stage.fields:
    levels = len(field.levels)
    first = place + unit * stage.frames_per_unit[field.source] * levels
    starts.append(positions[first].item())
    place += frames[field.source] * levels + 1
  assert set(starts) == {unit * finest}
  assert place == stage.length(frames) == len(positions)


def test_audiolm_s_times_are_50_hz_frames():
  stage = stages.coarse(deduplicate=False, positions='time')
  positions = stage.positions_for({'semantic': 3, 'acoustic': 6})
  assert positions[:4].tolist() == [0, 2, 4, 6]
  assert positions[4:].tolist() == [*np.repeat(np.arange(6), 4).tolist(), 6]


@pytest.mark.parametrize('positions', ['time', 'index'])
def test_the_last_prefix_id_is_read_in_a_short_crop(positions):
  stage = stages.coarse(
      Sizes(5, 25.0, 4, 50.0, 2), 2, deduplicate=False, positions=positions
  )
  codes = {'semantic': np.array([[0], [4]]), 'acoustic': np.zeros((4, 2), int)}
  example = stage.example(codes, stage.frames(5 / 25), ends=True)
  inputs = np.concatenate([[PAD], example.ids[:-1]])
  read = inputs[example.segment_ids > 0].tolist()
  assert FIRST_ID + 4 in read


def test_frames_are_whole_and_aligned():
  assert stages.coarse().frames(10.0) == {'semantic': 250, 'acoustic': 500}
  assert stages.coarse().frames(0.119) == {'semantic': 2, 'acoustic': 4}
  assert stages.fine().frames(3.0) == {'acoustic': 150}
  odd = stages.coarse(Sizes(5, 50.0, 5, 75.0, 4))
  assert odd.frames_per_unit == {'semantic': 2, 'acoustic': 3}
  assert odd.frames(0.07) == {'semantic': 2, 'acoustic': 3}


def test_lengths_are_audiolm_s():
  """Tokens of a crop (s. III-C, IV-B), starts and end apart."""
  semantic, coarse, fine = stages.semantic(), stages.coarse(), stages.fine()
  assert semantic.length(semantic.frames(30.0)) == 750 + 1
  assert coarse.length(coarse.frames(10.0)) == 250 + 2000 + 2
  assert fine.length(fine.frames(3.0)) == 600 + 1200 + 2


def test_a_codec_of_three_levels_needs_no_fine_stage():
  """The paper's piano (s. IV-I)."""
  sizes = Sizes(acoustic_codebook_size=2**14, num_quantizers=3)
  stage = stages.coarse(sizes, num_coarse=3)
  assert stage.vocab_size >= FIRST_ID + 1024 + 3 * 2**14
  with pytest.raises(UserError, match='No fine stage'):
    stages.fine(sizes, num_coarse=3)


def test_time_and_dropped_repeats_exclude_each_other():
  with pytest.raises(UserError, match='deduplicate'):
    stages.coarse(deduplicate=True, positions='time')


@pytest.mark.parametrize('num_coarse', [0, 13])
def test_coarse_levels_must_be_the_codec_s(num_coarse):
  with pytest.raises(UserError, match='12 levels'):
    stages.coarse(num_coarse=num_coarse)


@hypothesis.given(all_stages())
def test_config_rebuilds_the_stage(sized):
  _, stage = make(*sized)
  config = json.loads(json.dumps(stage.to_config()))
  assert Stage.from_config(config) == stage


@hypothesis.given(st.lists(st.integers(0, 2), max_size=12))
def test_only_repeats_in_a_row_are_dropped(ids):
  expected = [key for key, _ in itertools.groupby(ids)]
  codes = np.array(ids, np.int64).reshape(-1, 1)
  assert deduplicate(codes)[:, 0].tolist() == expected


def test_acoustic_only_is_the_coarse_stage_without_its_prefix():
  sizes = Sizes(8, 25.0, 4, 50.0, 3)
  alone, given = stages.acoustic_only(sizes, 2), stages.coarse(sizes, 2)
  assert not alone.prefix
  assert alone.target.levels == given.target.levels
  codes = {'acoustic': np.arange(12).reshape(4, 3) % 4}
  example = alone.example(codes, {'acoustic': 4}, ends=True)
  # Every id is learnt, the first one too: nothing stands before it.
  assert example.loss_weights.all() and len(example.ids) == 4 * 2 + 1


def test_key_numbers_stay_what_they_are():
  numbers = {name: traits.key_number for name, traits in TRAITS.items()}
  assert numbers == {
      'semantic': 0,
      'coarse': 1,
      'fine': 2,
      'acoustic_only': 3,
      'soundstorm': 3,
  }
