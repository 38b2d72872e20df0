"""Tests audiolm_jax/generation/audiolm.py."""

import base64
import io
import itertools
import math
import re

import jax
import numpy as np
import pytest
import soundfile
import tiny

from audiolm_jax import audio
from audiolm_jax.audio import Sound
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli.request import Request
from audiolm_jax.errors import UserError
from audiolm_jax.generation import beginnings, chain
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.generation.chain import Samplings
from audiolm_jax.lm.sampling.methods import Sampling
from audiolm_jax.tokens.tokenizers.contract import Tokens

HOP = 640
SETTINGS = {
    'time': {},
    'deduplicated': {'positions': 'index', 'deduplicate': True},
    'no fine stage': {'num_coarse': 4},
}
# The same in most tests, so that little is compiled.
PROMPT_SECONDS = 0.2
SECONDS = 0.4
# A crop of the tiny models is 1 s, and a step 0.72 s.
LONG = 1.2


def keys(*seeds):
  return jax.vmap(jax.random.key)(np.array(seeds))


def with_soundstorm():
  parts = tiny.bundle().parts | {'soundstorm': tiny.soundstorm()}
  return Bundle(parts)


@pytest.fixture(scope='module', params=['time', 'deduplicated', 'parallel'])
def lm(request):
  if request.param == 'parallel':
    bundle = with_soundstorm()
    return AudioLM(bundle, chain.parallel(bundle))
  return AudioLM(tiny.bundle(**SETTINGS[request.param]))


def test_soundstorm_is_preferred_where_there_is_one():
  assert chain.preferred(tiny.bundle()) == 'autoregressive'
  assert chain.preferred(with_soundstorm()) == 'parallel'


def test_what_is_asked_of_a_bundle_names_what_makes_its_sound():
  asked = Request('continuation', 1.0, 1.0, 0, chain.AUDIOLM)
  told = asked._replace(acoustics='autoregressive')
  bundle = with_soundstorm()
  assert asked.resolved(bundle).acoustics == 'parallel'
  assert asked.resolved(tiny.bundle()).acoustics == 'autoregressive'
  assert told.resolved(bundle).acoustics == 'autoregressive'
  settings = asked.resolved(bundle).settings('f' * 12)
  assert settings['acoustics'] == 'parallel'


@pytest.fixture
def prompts():
  return list(tiny.noise(2, PROMPT_SECONDS))


def tokens_of(waveform):
  return tiny.bundle().tokenizers.encode([waveform])[0]


def assert_same(one: Tokens, other: Tokens):
  np.testing.assert_array_equal(one.semantic, other.semantic)
  np.testing.assert_array_equal(one.acoustic, other.acoustic)


@pytest.mark.parametrize('setting', SETTINGS)
def test_a_continuation_begins_with_the_prompts_own_tokens(setting, prompts):
  lm = AudioLM(tiny.bundle(**SETTINGS[setting]))
  for prompt, result in zip(
      prompts, lm.continuation(prompts, SECONDS, keys(0, 1)), strict=True
  ):
    assert result.waveform.shape == (round(0.6 * tiny.RATE),)
    assert result.tokens.acoustic.shape == (30, 4)
    assert result.prompt_samples == len(prompt)
    start = Tokens(result.tokens.semantic[:5], result.tokens.acoustic[:10])
    assert_same(start, tokens_of(prompt))


def test_narrow_weights_draw_the_same_in_any_company(prompts):
  bundle = Bundle(tiny.bundle().parts, kept='int8')
  for name in ('semantic', 'coarse', 'fine'):
    for layer in bundle.language_model(name).weights.layers:
      assert layer.wi.values.dtype == np.int8
  lm = AudioLM(bundle)
  together = lm.continuation(prompts, SECONDS, keys(0, 1))
  (alone,) = lm.continuation(prompts[1:], SECONDS, keys(1))
  assert_same(alone.tokens, together[1].tokens)


def test_soundstorm_makes_the_sound_where_there_is_one(prompts):
  bundle = with_soundstorm()
  made = [
      lm.continuation(prompts[:1], SECONDS, keys(0))[0].tokens
      for lm in (AudioLM(bundle), AudioLM(bundle, chain.parallel(bundle)))
  ]
  assert_same(*made)


def test_levels_that_soundstorm_does_not_make_are_not_heard(prompts):
  parts = tiny.bundle().parts | {'soundstorm': tiny.soundstorm(num_levels=2)}
  lm = AudioLM(Bundle(parts))
  (result,) = lm.continuation(prompts[:1], SECONDS, keys(0))
  codes = result.tokens.acoustic
  assert codes.shape == (30, 2) and len(np.unique(codes[10:])) > 1
  codec = tiny.bundle().acoustic
  np.testing.assert_array_equal(result.waveform, codec.decode(codes[None])[0])
  streamed = np.concatenate(
      [piece for (piece,) in lm.stream(prompts[:1], SECONDS, keys(0))]
  )
  np.testing.assert_allclose(
      streamed, result.waveform[result.prompt_samples :], atol=1e-5
  )


def test_weights_of_an_unknown_kind_are_refused():
  with pytest.raises(UserError, match="'int4'; choose one of full"):
    _ = Bundle(tiny.bundle().parts, kept='int4').language_model('fine').weights


def test_a_row_does_not_depend_on_its_batch_whatever_the_lengths(lm):
  long = tiny.noise(1, 2.0)[0]
  ragged = [long[: round(s * tiny.RATE)] for s in (0.0, 0.2, 1.5)]
  together = lm.continuation(ragged, SECONDS, keys(0, 1, 2))
  # Those that are short beside the last one, which is as long as the batch.
  for row, prompt in enumerate(ragged[:2]):
    (alone,) = lm.continuation([prompt], SECONDS, keys(row))
    assert_same(alone.tokens, together[row].tokens)
    assert len(alone.waveform) == len(lm.fit(prompt)) + round(
        SECONDS * tiny.RATE
    )


def test_keys_and_nothing_else_make_samples_differ(lm, prompts):
  prompts[1] = prompts[0]
  one = lm.continuation(prompts, SECONDS, keys(1, 2))
  other = lm.continuation(prompts, SECONDS, keys(2, 1))
  assert_same(one[0].tokens, other[1].tokens)
  assert_same(one[1].tokens, other[0].tokens)
  a, b = (result.tokens for result in one)
  assert (a.semantic[5:] != b.semantic[5:]).any()
  assert (a.acoustic[10:, 0] != b.acoustic[10:, 0]).any()


def test_acoustic_generation_keeps_the_semantic_tokens(lm):
  noise = tiny.noise(1, 2.0)[0]
  waveforms = [noise[: round(s * tiny.RATE)] for s in (0.6, 1.4)]
  together = lm.acoustic_generation(waveforms, keys(0, 1))
  for row, waveform in enumerate(waveforms):
    tokens = tokens_of(lm.fit(waveform))
    result = together[row].tokens
    np.testing.assert_array_equal(result.semantic, tokens.semantic)
    assert result.acoustic.shape == tokens.acoustic.shape
    assert (result.acoustic != tokens.acoustic).any()
  (alone,) = lm.acoustic_generation(waveforms[:1], keys(0))
  assert_same(alone.tokens, together[0].tokens)


# An untrained SoundStorm hardly hears its prompt; its own tests are finer.
@pytest.mark.parametrize('lm', SETTINGS, indirect=True)
def test_another_voice_changes_the_sound_and_not_what_is_said(lm):
  waveforms = [tiny.noise(1, PROMPT_SECONDS)[0]] * 8
  voices = [v[: round(0.4 * tiny.RATE)] for v in tiny.noise(8, 0.5, seed=1)]
  results = lm.acoustic_generation(waveforms, keys(*[0] * 8), voices)
  for result in results:
    assert len(result.waveform) == len(waveforms[0])
    np.testing.assert_array_equal(
        result.tokens.semantic, results[0].tokens.semantic
    )
  sounds = {result.tokens.acoustic.tobytes() for result in results}
  assert len(sounds) > 1


def test_unconditional_generation_has_the_length_asked_for(lm):
  one, other = lm.unconditional(SECONDS, keys(0, 1))
  assert one.waveform.shape == (round(SECONDS * tiny.RATE),)
  assert one.prompt_samples == 0
  assert (one.tokens.acoustic != other.tokens.acoustic).any()


@pytest.mark.parametrize('num_samples', [0, 1, HOP - 1, HOP, HOP + 1])
def test_prompts_are_continued_from_their_last_whole_unit(num_samples):
  lm = AudioLM(tiny.bundle())
  prompt = tiny.noise(1, 1.0)[0, :num_samples]
  (result,) = lm.continuation([prompt], 0.08, keys(0))
  assert result.prompt_samples == num_samples // HOP * HOP
  assert len(result.waveform) == result.prompt_samples + 2 * HOP


def test_silence_is_continued():
  silence = [np.zeros(round(PROMPT_SECONDS * tiny.RATE), np.float32)] * 2
  for result in AudioLM(tiny.bundle()).continuation(
      silence, SECONDS, keys(0, 1)
  ):
    assert np.isfinite(result.waveform).all()


def test_more_goes_on_where_less_stopped(lm, prompts):
  """What is longer than a crop is made in steps: the first ones are equal."""
  step = 0.72
  for short, long in zip(
      lm.continuation(prompts, step, keys(0, 1)),
      lm.continuation(prompts, 2 * step, keys(0, 1)),
      strict=True,
  ):
    num_frames = len(short.tokens.acoustic)
    assert len(long.tokens.acoustic) == num_frames + 36
    np.testing.assert_array_equal(
        long.tokens.acoustic[:num_frames], short.tokens.acoustic
    )


def test_a_stream_is_the_continuation_in_chunks(lm, prompts):
  prompts[1] = prompts[1][:HOP]
  whole = lm.continuation(prompts, LONG, keys(0, 1))
  chunks = list(lm.stream(prompts, LONG, keys(0, 1)))
  assert len(chunks) > 1
  for row, expected in enumerate(whole):
    new = np.concatenate([chunk[row] for chunk in chunks])
    np.testing.assert_allclose(
        new, expected.waveform[expected.prompt_samples :], atol=1e-5
    )


@pytest.fixture
def chunks(prompts):
  return list(AudioLM(tiny.bundle()).stream(prompts, 3.0, keys(0, 1)))


def test_chunks_meet_without_a_click(chunks):
  for row in zip(*chunks, strict=True):
    assert_no_click(row)


def assert_no_click(chunks):
  """A border's step is one of those that the rest is full of."""
  steps = np.abs(np.diff(np.concatenate(chunks)))
  borders = np.cumsum([len(chunk) for chunk in chunks])[:-1] - 1
  assert len(borders) > 2
  elsewhere = np.delete(steps, borders)
  assert steps[borders].max() <= np.quantile(elsewhere, 0.999)


@pytest.mark.slow
def test_the_chunks_of_a_voice_meet_without_a_click(optimized):
  lm = AudioLM.load('speech')
  prompt = audio.read(
      'data/prompts/speech_english_synthetic.flac', lm.sample_rate, seconds=3.0
  )
  key = jax.random.key(0)
  chunks = list(lm.stream_audio(prompt, lm.sample_rate, 10.0, key))
  assert_no_click(chunks)
  whole = lm.continue_audio(prompt, lm.sample_rate, 10.0, key)
  np.testing.assert_allclose(
      np.concatenate(chunks), whole[len(prompt) :], atol=1e-5
  )


def test_a_stream_may_go_on_for_ever(prompts, chunks):
  endless = AudioLM(tiny.bundle()).stream(prompts, math.inf, keys(0, 1))
  for some, same in zip(itertools.islice(endless, 3), chunks, strict=False):
    np.testing.assert_array_equal(some[0], same[0])


@pytest.mark.parametrize('setting', ['time', 'deduplicated'])
def test_a_recording_may_end_by_itself(setting, prompts):
  """Untrained models end somewhere, at a temperature that favours nothing."""
  hot = Sampling(5.0)
  bundle = tiny.bundle(**SETTINGS[setting])
  samplings = Samplings(hot, hot, hot)
  lm = AudioLM(bundle, chain.autoregressive(bundle, samplings, may_end=True))
  prompts = prompts * 4
  results = lm.continuation(prompts, LONG, keys(*range(8)))
  lengths = [len(result.waveform) for result in results]
  assert len(set(lengths)) > 1
  assert max(lengths) <= round((PROMPT_SECONDS + LONG) * tiny.RATE)
  row = int(np.argmin(lengths))
  (alone,) = lm.continuation([prompts[row]], LONG, keys(row))
  assert_same(alone.tokens, results[row].tokens)
  chunks = list(lm.stream(prompts, LONG, keys(*range(8))))
  num_new = sum(len(chunk[row]) for chunk in chunks)
  assert num_new == lengths[row] - results[row].prompt_samples


def test_a_kept_prompt_gives_way_without_a_step(prompts):
  lm = AudioLM(tiny.bundle())
  (result,) = lm.continuation(prompts[:1], SECONDS, keys(0))
  kept = beginnings.keep_prompt(result, prompts[0], lm.sample_rate)
  end, fade = result.prompt_samples, round(0.02 * tiny.RATE)
  np.testing.assert_array_equal(kept[: end - fade], prompts[0][: end - fade])
  np.testing.assert_array_equal(kept[end - 1 :], result.waveform[end - 1 :])
  steps = np.abs(np.diff(kept[end - fade - 1 : end + 1]))
  own = max(np.abs(np.diff(x)).max() for x in (prompts[0], result.waveform))
  assert steps.max() <= 1.1 * own


def test_any_recording_is_continued_in_one_call():
  lm = AudioLM(tiny.bundle())
  rate = 44100
  stereo = np.random.default_rng(0).normal(size=(rate // 5, 2)) / 10
  longer = lm.continue_audio(stereo, rate, SECONDS, jax.random.key(0))
  assert longer.shape == (round(0.6 * tiny.RATE),)
  chunks = lm.stream_audio(stereo, rate, SECONDS, jax.random.key(0))
  np.testing.assert_allclose(
      np.concatenate(list(chunks)), longer[-round(0.4 * tiny.RATE) :], atol=1e-5
  )


@pytest.fixture
def recording(tmp_path):
  """Half a second of noise at another rate than the model's."""
  path = tmp_path / 'a.wav'
  soundfile.write(path, tiny.noise(1, 0.5)[0][:11025], 22050)
  return path


def test_a_path_an_opened_file_and_a_sound_are_continued_alike(recording):
  lm = AudioLM(tiny.bundle())
  samples, rate = soundfile.read(recording, dtype='float32')
  with recording.open('rb') as file:
    made = [
        lm.continue_recording(each, SECONDS, seed=3)
        for each in (recording, str(recording), file, Sound(samples, rate))
    ]
  for other in made[1:]:
    np.testing.assert_allclose(
        other.sound.samples, made[0].sound.samples, atol=1e-4
    )
  again = lm.continue_recording(recording, SECONDS, seed=4)
  assert np.abs(again.sound.samples - made[0].sound.samples).max() > 1e-2


def test_a_take_is_the_recording_and_can_be_kept(recording, tmp_path):
  lm = AudioLM(tiny.bundle())
  take = lm.continue_recording(recording, SECONDS)
  own = audio.read(recording, lm.sample_rate)
  end = round((take.prompt_seconds - 0.02) * lm.sample_rate)
  np.testing.assert_array_equal(take.sound.samples[:end], own[:end])
  take.save(tmp_path / 'longer.wav')
  saved, rate = soundfile.read(tmp_path / 'longer.wav', dtype='float32')
  assert rate == lm.sample_rate == take.sound.sample_rate
  np.testing.assert_allclose(saved, take.sound.samples.clip(-1, 1), atol=1e-4)
  player = take._repr_html_()
  data = base64.b64decode(re.search('base64,([^"]+)"', player).group(1))
  heard, rate = soundfile.read(io.BytesIO(data), dtype='float32')
  assert rate == lm.sample_rate
  np.testing.assert_allclose(heard, saved, atol=1e-4)


@pytest.mark.parametrize(
    'recording, message',
    [
        (np.zeros(1600, np.float32), 'Sound'),
        (io.BytesIO(b'no audio at all'), 'not audio'),
        ('nowhere.wav', 'nowhere.wav'),
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(recording, message):
  lm = AudioLM(tiny.bundle())
  with pytest.raises(UserError, match=message) as error:
    lm.continue_recording(recording)
  assert '\n' not in str(error.value)


def test_stages_that_cannot_follow_each_other_are_refused():
  chains = {
      name: tiny.bundle(**settings).parts for name, settings in SETTINGS.items()
  }
  semantic = chains['deduplicated']['semantic']
  with pytest.raises(UserError, match='deduplicate'):
    AudioLM(Bundle({**chains['time'], 'semantic': semantic}))
  parts = {**chains['time'], 'coarse': chains['no fine stage']['coarse']}
  with pytest.raises(UserError, match='num_coarse'):
    AudioLM(Bundle(parts))


def test_a_missing_stage_is_named():
  parts = dict(tiny.bundle().parts)
  del parts['semantic']
  with pytest.raises(UserError, match='semantic'):
    AudioLM(Bundle(parts))
