"""Tests `speaker_similarity.py` and `speaker_encoder.py`."""

import importlib.util
import pathlib

import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.audio import Sound
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.listeners import speaker_encoder, torch_legacy
from audiolm_jax.evaluation.sections import speaker_similarity
from audiolm_jax.evaluation.sections.speaker_similarity import (
    CODEC,
    OTHER,
    TRUE,
)

SPEAKERS = ['ann', 'ann', 'bob', 'bob']
# The first two numbers of a waveform are its voice.
PROMPTS = [np.float32(x) for x in ([1, 0, 9], [2, 0], [0, 1], [0, 3, 1])]
LATER = [np.float32(x) for x in ([3, 0], [1, 0], [0, 1], [0, 5])]


def voice(sound):
  return sound.samples[:2]


def heard(waveforms):
  return [Sound(waveform, 16000) for waveform in waveforms]


def rows(encode=voice, speakers=SPEAKERS, **sounds):
  sounds = {
      name: heard(some) for name, some in ({TRUE: LATER} | sounds).items()
  }
  prompts = heard(PROMPTS)
  table = speaker_similarity.table(encode, prompts, speakers, sounds, '')
  return {row[0]: row for row in table.rows}


def test_the_same_voice_is_near_and_another_far():
  found = rows()
  assert found[TRUE][1].value == 1.0 and found[OTHER][1].value == 0.0
  assert found[TRUE][1].num_groups == 2


def test_a_cosine_by_hand_falls_with_what_is_mixed_in():
  mixed = [LATER[0] + np.float32([0, 4]), *LATER[1:]]
  found = rows(**{CODEC: mixed})[CODEC]
  # 3-4-5, 1, 1, 1: bob's own direction does not change.
  assert found[1].value == pytest.approx((0.6 + 3) / 4)
  assert found[-1] == 0.63


def test_several_samples_of_each_prompt_count():
  found = rows(samples=[*LATER, *LATER[::-1]])['samples']
  assert found[1].value == pytest.approx(0.5) and found[2] == 8


def test_samples_belong_to_their_speakers():
  """One voice is always found and the other never: either may be drawn."""
  kept = [LATER[0], LATER[1], *LATER[:2]]
  figure = rows(samples=[*kept, *kept])['samples'][1]
  assert (figure.value, figure.low, figure.high) == (0.5, 0.0, 1.0)


def test_silence_is_left_out():
  silent = [np.float32([np.nan, np.nan]), *LATER[1:]]
  found = rows(silent=silent)['silent']
  assert found[1].value == 1.0 and found[2] == 3


def test_there_is_no_floor_with_one_speaker():
  assert OTHER not in rows(speakers=['ann'] * 4)


def test_strangers_are_others_and_the_same_every_time():
  speakers = list('aabbbccd')
  found = speaker_similarity.strangers(speakers, 0)
  assert all(speakers[i] != s for i, s in zip(found, speakers, strict=True))
  assert found == speaker_similarity.strangers(speakers, 0)


def test_a_missing_encoder_says_how_to_install_it(monkeypatch):
  monkeypatch.setattr(importlib.util, 'find_spec', lambda _: None)
  found = rows(encode=speaker_encoder.resemblyzer())
  assert '--no-deps resemblyzer' in tables.cell(found[OTHER][1])


def test_other_weights_are_refused(tmp_path):
  path = tmp_path / 'pretrained.pt'
  path.write_bytes(b'another upload')
  with pytest.raises(UserError, match='not the one that is known'):
    speaker_encoder.encoder(path)


def test_old_files_of_torch_are_read(tmp_path):
  torch = pytest.importorskip('torch')
  # Two tensors in one storage, as those of recurrent layers are.
  flat = torch.arange(10.0)
  state = {'a.weight': flat[:6].reshape(2, 3), 'b': flat[6:]}
  path = tmp_path / 'old.pt'
  torch.save({'state': state}, path, _use_new_zipfile_serialization=False)
  found = torch_legacy.read(path.read_bytes(), ['b', 'a.weight'])
  expected = np.arange(6).reshape(2, 3)
  np.testing.assert_array_equal(found['a.weight'], expected)
  np.testing.assert_array_equal(found['b'], np.arange(6, 10))
  with pytest.raises(KeyError):
    torch_legacy.read(path.read_bytes(), ['c'])


def test_windows_are_librosas_mel_spectra():
  librosa = pytest.importorskip('librosa')
  random = np.random.default_rng(0)
  for seconds, num_windows in ((0.5, 1), (1.6, 1), (3.0, 3), (3.2, 3)):
    waveform = random.standard_normal(int(16000 * seconds)).astype(np.float32)
    found = speaker_encoder.windows(waveform)
    assert found.shape == (num_windows, 160, 40)
    mels = librosa.feature.melspectrogram(
        y=waveform, sr=16000, n_fft=400, hop_length=160, n_mels=40
    ).T
    first = mels[:160]
    # Behind the end of the waveform there is the padding.
    same = min(len(first), len(waveform) // 160 - 2)
    np.testing.assert_allclose(found[0][:same], first[:same], rtol=1e-3)


def weights_file() -> pathlib.Path:
  spec = importlib.util.find_spec('resemblyzer')
  if spec is None:
    pytest.skip('resemblyzer is not installed.')
  return pathlib.Path(spec.origin).with_name('pretrained.pt')


def test_the_network_is_torchs():
  """The same weights in torch's own LSTM."""
  torch = pytest.importorskip('torch')
  state = torch.load(weights_file(), map_location='cpu')['model_state']
  lstm = torch.nn.LSTM(40, 256, 3, batch_first=True)
  parts = {k[5:]: v for k, v in state.items() if k.startswith('lstm.')}
  lstm.load_state_dict(parts)
  waveform = audio.read('data/prompts/speech_italian.flac', 16000)
  waveform *= speaker_encoder._RMS / np.sqrt(np.mean(waveform**2))
  with torch.no_grad():
    mels = torch.from_numpy(speaker_encoder.windows(waveform))
    _, (hidden, _) = lstm(mels)
    y = torch.relu(
        hidden[-1] @ state['linear.weight'].T + state['linear.bias']
    ).numpy()
  partials = y / np.linalg.norm(y, axis=1, keepdims=True)
  mean = partials.mean(axis=0)
  encode = speaker_encoder.resemblyzer()
  found = encode(Sound(waveform, 16000))
  np.testing.assert_allclose(found, mean / np.linalg.norm(mean), atol=1e-4)
  # A codec's rate is not the encoder's.
  faster = Sound(audio.convert(waveform, 16000, 24000), 24000)
  assert encode(faster) @ found > 0.99


def test_halves_of_a_recording_are_of_one_voice_and_noise_is_of_none():
  weights_file()
  encode = speaker_encoder.resemblyzer()
  names = ('italian', 'russian', 'english_synthetic')
  halves = []
  for name in names:
    waveform = audio.read(f'data/prompts/speech_{name}.flac', 16000)
    halves.append(np.split(waveform[: len(waveform) // 2 * 2], 2))
  random = np.random.default_rng(0)
  noise = [random.normal(0, 0.2, len(y)).astype(np.float32) for _, y in halves]
  table = speaker_similarity.table(
      encode,
      heard([x for x, _ in halves]),
      names,
      {TRUE: heard([y for _, y in halves]), 'noise': heard(noise)},
      '',
  )
  same, noisy, other = (row[1].value for row in table.rows)
  assert same > 0.75 > other + 0.1 and noisy < other + 0.1
