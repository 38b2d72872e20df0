"""Tests audiolm_jax/soundstorm/sampler.py."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.soundstorm import sampler
from tests.soundstorm import tiny

PASSES = (5, 2, 1, 1)
KEYS = jax.random.split(jax.random.key(0), 3)


@pytest.fixture(name='params', scope='module')
def fixture_params():
  return tiny.params()


def fill(params, semantic, acoustic, known, lengths, keys, **settings):
  settings = {'temperature': 1.0, 'passes': PASSES} | settings
  args = (jnp.asarray(x) for x in (semantic, acoustic, known, lengths))
  temperature = settings.pop('temperature')
  found = sampler.fill(tiny.MODEL, params, *args, temperature, keys, **settings)
  return np.asarray(found)


def prompts(lengths, num_frames):
  """The first frames of each row are known."""
  return np.arange(num_frames)[None] < np.asarray(lengths)[:, None]


def test_the_prompt_stays_and_all_else_is_a_code(params):
  semantic, acoustic = tiny.window(3, 14)
  known = prompts([5, 0, 14], 14)
  lengths = np.array([14, 11, 14])
  found = fill(params, semantic, acoustic, known, lengths, KEYS)
  np.testing.assert_array_equal(found[known], acoustic[known])
  valid = np.arange(14)[None] < lengths[:, None]
  assert ((found >= 0) & (found < tiny.MODEL.codebook_size)).all()
  assert not found[~valid].any()


def test_levels_that_are_given_stay_and_are_heard(params):
  semantic, acoustic = tiny.window(3, 14)
  known, lengths = prompts([5, 0, 3], 14), np.full(3, 14)
  found, other = (
      fill(params, semantic, codes, known, lengths, KEYS, num_given=2)
      for codes in (acoustic, (acoustic + 1) % tiny.MODEL.codebook_size)
  )
  np.testing.assert_array_equal(found[..., :2], acoustic[..., :2])
  assert (found[~known][:, 2:] != other[~known][:, 2:]).any()


def test_what_stands_in_unknown_frames_does_not_matter(params):
  semantic, acoustic = tiny.window(3, 14)
  known, lengths = prompts([5, 0, 3], 14), np.full(3, 14)
  first = fill(params, semantic, acoustic, known, lengths, KEYS)
  acoustic = np.where(known[..., None], acoustic, 0)
  again = fill(params, semantic, acoustic, known, lengths, KEYS)
  np.testing.assert_array_equal(first, again)


def test_a_row_is_the_same_alone_padded_and_in_a_batch(params):
  semantic, acoustic = tiny.window(3, 14)
  known, lengths = prompts([5, 2, 0], 14), np.array([9, 14, 12])
  together = fill(params, semantic, acoustic, known, lengths, KEYS)
  for row, length in enumerate(lengths):
    for size in {length, 14}:
      part = np.s_[row : row + 1, :size]
      alone = fill(
          params,
          semantic[part],
          acoustic[part],
          known[part],
          lengths[row : row + 1],
          KEYS[row : row + 1],
      )
      np.testing.assert_array_equal(
          alone[:, :length], together[row : row + 1, :length]
      )


def test_another_key_is_another_sample_and_0_degrees_know_no_key(params):
  semantic, acoustic = tiny.window(1, 14)
  args = params, semantic, acoustic, prompts([2], 14), np.array([14])
  hot = [fill(*args, KEYS[i : i + 1]) for i in range(2)]
  assert (hot[0] != hot[1]).any()
  cold = [fill(*args, KEYS[i : i + 1], temperature=0.0) for i in range(2)]
  np.testing.assert_array_equal(*cold)
  assert (cold[0] != hot[0]).any()


def spy(monkeypatch):
  """Replaces the model's answers by confidences that are known."""
  seen = []

  def apply(self, variables, semantic, codes, lengths, levels):
    del variables, lengths
    jax.debug.callback(
        lambda now, asked: seen.append((np.array(now), int(asked[0]))),
        codes,
        levels,
        ordered=True,
    )
    # The later a frame is, the surer; its code is its semantic id.
    sure = 1.0 + jnp.arange(semantic.shape[1])[None, :, None]
    return sure * jax.nn.one_hot(semantic, self.codebook_size)

  monkeypatch.setattr(type(tiny.MODEL), 'apply', apply)
  return seen


def test_the_surest_frames_are_filled_in_first_along_a_cosine(monkeypatch):
  seen = spy(monkeypatch)
  semantic, acoustic = tiny.window(1, 20)
  found = sampler.fill.__wrapped__(
      tiny.MODEL,
      {},
      jnp.asarray(semantic),
      jnp.asarray(acoustic),
      jnp.asarray(prompts([4], 20)),
      jnp.array([20]),
      0.0,
      KEYS[:1],
      PASSES,
  )
  jax.block_until_ready(found)
  assert [level for _, level in seen] == [0, 0, 0, 0, 0, 1, 1, 2, 3]
  for number, (codes, _) in enumerate(seen[:5]):
    hidden = codes[0, :, 0] == tiny.MODEL.mask_id
    count = int(16 * np.cos(np.pi / 2 * number / 5))
    np.testing.assert_array_equal(np.flatnonzero(hidden), 4 + np.arange(count))
    assert (codes[0, 4:, 1:] == tiny.MODEL.mask_id).all()
  final = np.broadcast_to(semantic[0, 4:, None], (16, 4))
  np.testing.assert_array_equal(found[0, 4:], final)
  assert (seen[5][0][0, :, 0] != tiny.MODEL.mask_id).all()


def test_noise_is_counted_from_the_prompts_end(monkeypatch):
  """Where the model has no opinion, codes do not know how long it was."""

  def apply(self, variables, semantic, codes, lengths, levels):
    del variables, codes, lengths, levels
    return jnp.zeros((*semantic.shape, self.codebook_size))

  monkeypatch.setattr(type(tiny.MODEL), 'apply', apply)
  found = []
  for num_known, num_frames in ((2, 10), (5, 13), (5, 16)):
    semantic, acoustic = tiny.window(1, num_frames)
    found.append(
        sampler.fill.__wrapped__(
            tiny.MODEL,
            {},
            jnp.asarray(semantic),
            jnp.asarray(acoustic),
            jnp.asarray(prompts([num_known], num_frames)),
            jnp.array([num_known + 8]),
            1.0,
            KEYS[:1],
            PASSES,
        )[0, num_known : num_known + 8]
    )
  assert len(set(np.asarray(found[0])[:, 0].tolist())) > 2
  for other in found[1:]:
    np.testing.assert_array_equal(other, found[0])


def test_the_last_pass_of_a_level_is_greedy(params):
  """One pass a level has no noise at all."""
  semantic, acoustic = tiny.window(1, 14)
  args = params, semantic, acoustic, prompts([2], 14), np.array([14])
  hot, cold = (
      fill(*args, KEYS[:1], passes=(1, 1, 1, 1), temperature=temperature)
      for temperature in (5.0, 0.0)
  )
  np.testing.assert_array_equal(hot, cold)


def test_the_papers_passes_are_27():
  passes = sampler.schedule((16, *[1] * 11))
  assert len(passes.level) == 27
  assert (passes.hidden == 0).sum() == 12
  np.testing.assert_allclose(passes.hidden[7], np.cos(np.pi / 4), rtol=1e-6)


def test_passes_of_another_codec_are_refused(params):
  semantic, acoustic = tiny.window(1, 4)
  for passes in ((16, 1), (0, 1, 1, 1)):
    with pytest.raises(ValueError, match='4 levels'):
      known, lengths = prompts([2], 4), np.array([4])
      fill(params, semantic, acoustic, known, lengths, KEYS[:1], passes=passes)
