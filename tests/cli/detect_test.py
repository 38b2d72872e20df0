"""Tests audiolm_jax/cli/detect.py."""

import json
import os
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
import soundfile
import tiny

from audiolm_jax.audio import Sound
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import detect, generate, main
from audiolm_jax.errors import UserError
from tests.classifier import tiny as sounds


@pytest.fixture(name='model')
def fixture_model(tmp_path):
  Bundle({'classifier': tiny.classifier()}).save(tmp_path / 'model', '')
  return tmp_path / 'model'


@pytest.fixture(name='run')
def fixture_run(model, capsys):
  """Runs the verb; returns its exit code, lines and complaints."""

  def run(*argv):
    detect.FLAGS.unparse_flags()
    argv = ['detect', f'--model={model}', *map(str, argv)]
    code = detect.main(detect.FLAGS(argv))
    out, err = capsys.readouterr()
    return code, out.splitlines(), err

  return run


@pytest.fixture(name='files')
def fixture_files(tmp_path):
  for name, rate in (('a.wav', 16000), ('b.ogg', 48000)):
    soundfile.write(tmp_path / name, sounds.tone(300, 2.5), rate)
  return tmp_path


def test_each_file_has_its_probabilities_and_a_track(run, files):
  code, lines, err = run(files / '*.wav', files / 'b.ogg', '--json')
  assert code == 0 and not err
  one, other = map(json.loads, lines)
  assert one['file'].endswith('a.wav') and one['seconds'] == 2.5
  assert len(one['by_second']) == 3 and len(other['by_second']) == 1
  assert set(one['probabilities']) == {'original', 'generated'}
  assert sum(one['probabilities'].values()) == pytest.approx(1, abs=1e-5)
  best = max(one['probabilities'], key=one['probabilities'].get)
  assert one['label'] == best


def test_the_text_says_the_same_as_the_json(run, files):
  _, (line,), _ = run(files / 'a.wav', '--json')
  found = json.loads(line)
  _, (head, track), _ = run(files / 'a.wav')
  label = found['label']
  assert f'a.wav: {label} {found["probabilities"][label]:.3f}' in head
  by_second = [f'{row[label]:.2f}' for row in found['by_second']]
  assert track == f'  {label}, by second: {" ".join(by_second)}'


def test_a_bad_file_costs_one_line_and_the_exit_code(run, files):
  (files / 'bad.wav').write_text('no sound')
  code, lines, err = run(files / 'bad.wav', files / 'a.wav', files / 'none.wav')
  assert code == 1 and len(lines) == 2
  assert 'bad.wav is not audio' in err and 'none.wav: no such' in err
  assert '2 files could not be read' in err and 'Traceback' not in err


def test_mistakes_are_named(run, model):
  with pytest.raises(UserError, match='Give audio'):
    run()
  Bundle({'acoustic_tokenizer': tiny.soundstream()}).save(model, '')
  with pytest.raises(UserError, match='no part classifier'):
    run('a.wav')


def test_it_is_a_verb():
  assert 'audiolm detect' in main.__doc__


def test_half_precision_does_not_change_the_verdict(model):
  whole = Bundle({'classifier': tiny.classifier()}).classifier
  halved = Bundle.load(model).classifier
  waveform = sounds.tone(400, 1.5)
  verdicts = [each.classify(Sound(waveform, 16000)) for each in (whole, halved)]
  for one, other in zip(*(v.track for v in verdicts), strict=True):
    np.testing.assert_allclose(one, other, atol=0.01)
  assert halved.variables['params']['out']['bias'].dtype == jnp.float32


def test_it_cannot_say_what_it_cannot_hear(run, tmp_path):
  soundfile.write(tmp_path / 'silent.wav', np.zeros(48000), 16000)
  soundfile.write(tmp_path / 'short.wav', sounds.tone(300, 0.5), 16000)
  code, lines, err = run(tmp_path / 's*.wav', '--json')
  assert code == 0 and not err
  short, silent = map(json.loads, lines)
  assert short['reason'] == 'it is shorter than a second'
  assert silent['reason'] == 'there is nothing to hear'
  for found in (short, silent):
    assert found['label'] is None and found['probabilities'] is None
    assert set(found['by_second']) == {None}
  _, lines, _ = run(tmp_path / 's*.wav')
  assert lines[0].endswith('short.wav: cannot say: it is shorter than a second')
  assert lines[1].endswith('silent.wav: cannot say: there is nothing to hear')


def test_names_that_are_no_utf_8_are_printed(model, tmp_path):
  name = os.fsencode(tmp_path) + b'/\xff.wav'
  soundfile.write(name, sounds.tone(300, 2.0), 16000, format='WAV')
  command = ['-m', 'audiolm_jax.cli.main', 'detect', f'--model={model}']
  done = subprocess.run(
      [sys.executable, *command, '--json', name], capture_output=True
  )
  assert done.returncode == 0, done.stderr
  assert os.fsencode(json.loads(done.stdout)['file']) == name


def test_the_shipped_detector_judges_speech_and_nothing_else(tmp_path, capsys):
  rate = 16000
  time = np.arange(4 * rate) / rate
  chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (262, 330, 392))
  music = 0.1 * chord * np.exp(-3 * (time % 1))
  soundfile.write(tmp_path / 'music.wav', music, rate)
  detect.FLAGS.unparse_flags()
  files = ['data/prompts/*.flac', f'{tmp_path}/music.wav']
  assert detect.main(detect.FLAGS(['detect', '--json', *files])) == 0
  found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
  assert len(found) == 6
  for one in found:
    if 'speech' in one['file']:
      assert one['label'] == 'original' and one['reason'] is None
    else:
      assert one['label'] is None and 'no speech' in one['reason']


@pytest.mark.slow
def test_the_shipped_detector_knows_what_the_shipped_model_makes(
    tmp_path, capsys
):
  prompt = 'data/prompts/speech_italian.flac'
  generate.FLAGS.unparse_flags()
  words = ['generate', prompt, '--seconds=5', '--seed=3', '-o', str(tmp_path)]
  assert generate.main(generate.FLAGS(words)) == 0
  capsys.readouterr()
  detect.FLAGS.unparse_flags()
  assert not detect.main(
      detect.FLAGS(['detect', '--json', f'{tmp_path}/*.wav'])
  )
  (one,) = map(json.loads, capsys.readouterr().out.splitlines())
  start, end = one['generated_from_to']
  assert one['label'] == 'generated' and abs(start - 3) <= 1 and end >= 7
