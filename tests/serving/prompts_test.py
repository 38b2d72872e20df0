"""Tests audiolm_jax/serving/prompts.py."""

import soundfile

from audiolm_jax.serving import prompts


def test_the_shipped_prompts_are_where_the_package_is():
  shipped = prompts.shipped()
  assert 'speech italian' in shipped and 'piano satie' in shipped
  for path in shipped.values():
    assert 'audiolm_jax/prompts/' in path.as_posix()
    assert soundfile.info(path).duration >= 4
  assert (next(iter(shipped.values())).parent / 'LICENSES.md').exists()


def test_each_domain_has_its_own():
  speech, piano = prompts.of('speech'), prompts.of('piano')
  assert speech and piano
  assert set(speech) | set(piano) == set(prompts.shipped().values())


def test_a_player_gets_samples_and_nothing_of_nothing():
  rate, waveform = prompts.played('speech italian')
  assert rate == 16000 and len(waveform) == 4 * rate
  assert waveform.dtype == 'int16' and waveform.any()
  assert prompts.played(None) is None
