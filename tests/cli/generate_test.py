"""Tests audiolm_jax/cli/generate.py."""

import json

import jax
import numpy as np
import pytest
import soundfile
import tiny

from audiolm_jax import audio
from audiolm_jax.cli import generate, request
from audiolm_jax.errors import UserError
from audiolm_jax.generate import AudioLM


@pytest.fixture
def prompts(tmp_path):
  """Files of several formats and lengths, and one that is no audio."""
  folder = tmp_path / 'prompts'
  folder.mkdir()
  noise = tiny.noise(6, 0.5).T
  soundfile.write(folder / 'a.wav', noise[:, :1], 16000)
  soundfile.write(folder / 'b.flac', noise, 16000)
  soundfile.write(folder / 'c.ogg', np.zeros((24000, 2)), 48000)
  soundfile.write(folder / 'd.wav', noise[:1000, 0], 16000)
  return folder


@pytest.fixture
def run(tiny_model, tmp_path, monkeypatch):
  """Runs the verb in an empty folder; returns exit code and manifest."""
  monkeypatch.chdir(tmp_path)

  def run(*flags, output_dir='out'):
    argv = [
        'generate',
        f'--model={tiny_model}',
        f'--output_dir={output_dir}',
        '--prompt_seconds=0.2',
        '--continuation_seconds=0.2',
        *flags,
    ]
    generate.FLAGS.unparse_flags()
    code = generate.main(generate.FLAGS(argv))
    lines = (tmp_path / output_dir / 'manifest.jsonl').read_text().splitlines()
    return code, {line['file']: line for line in map(json.loads, lines)}

  return run


def test_every_prompt_gets_its_samples_and_a_line_in_the_manifest(
    run, prompts, tmp_path, capsys
):
  code, manifest = run(f'--prompts={prompts}/*', '--samples_per_prompt=2')
  assert code == 0
  assert set(manifest) == {f'{x}_{i}.wav' for x in 'abcd' for i in range(2)}
  line = manifest['b_1.wav']
  assert line['prompt'] == f'{prompts}/b.flac'
  assert line['prompt_seconds'] == 0.2
  assert line['seconds'] == 0.4
  assert line['seed'] == 0
  assert line['fingerprint'] == tiny.bundle().fingerprint
  assert manifest['d_0.wav']['prompt_seconds'] == 0.04  # One whole frame.
  printed = capsys.readouterr().out
  for name, line in manifest.items():
    assert audio.duration(tmp_path / 'out' / name) == line['seconds']
    assert f'out/{name}' in printed


def test_the_same_seed_gives_the_same_audio_in_any_batch(
    run, prompts, tmp_path
):
  flags = (f'--prompts={prompts}/[ab]*', '--samples_per_prompt=2')
  run(*flags, '--batch_size=1', output_dir='one')
  run(*flags, '--batch_size=4', output_dir='four')
  run(*flags, '--batch_size=4', '--seed=1', output_dir='other')
  names = sorted(path.name for path in (tmp_path / 'one').glob('*.wav'))
  assert len(names) == 4
  for name in names:
    one, four, other = (
        audio.read(tmp_path / folder / name, 16000)
        for folder in ('one', 'four', 'other')
    )
    np.testing.assert_array_equal(one, four)
    assert (one != other).any()


def test_a_bad_file_is_reported_skipped_and_counted(run, prompts, capsys):
  (prompts / 'bad.wav').write_text('not audio')
  for name, length in (('empty.wav', 0), ('short.wav', 639)):
    soundfile.write(prompts / name, np.zeros(length), 16000)
  names = ('a.wav', 'bad.wav', 'empty.wav', 'short.wav', 'gone.wav')
  code, manifest = run(*(f'{prompts}/{name}' for name in names))
  assert code == 1
  assert set(manifest) == {'a_0.wav'}
  errors = capsys.readouterr().err
  assert all(f'/{name}' in errors for name in names[1:])
  assert 'short.wav: 0.0399375 s are too short' in errors
  assert '4 prompts' in errors


def test_a_sample_does_not_change_when_a_neighbour_cannot_be_read(
    run, prompts, tmp_path
):
  flags = (f'{prompts}/a.wav', f'{prompts}/b.flac')
  run(*flags, output_dir='both')
  (prompts / 'a.wav').write_text('broken')
  run(*flags, output_dir='second')
  np.testing.assert_array_equal(
      audio.read(tmp_path / 'both/b_0.wav', 16000),
      audio.read(tmp_path / 'second/b_0.wav', 16000),
  )


def test_a_prompt_continues_alike_whatever_stands_before_it(
    run, prompts, tmp_path
):
  run(f'{prompts}/a.wav', f'{prompts}/b.flac', output_dir='both')
  run(f'{prompts}/b.flac', output_dir='one')
  np.testing.assert_array_equal(
      audio.read(tmp_path / 'both/b_0.wav', 16000),
      audio.read(tmp_path / 'one/b_0.wav', 16000),
  )


def test_nothing_is_written_over_a_prompt_or_another_sample(run, prompts):
  (prompts / 'deep').mkdir()
  for copy in ('deep/a.wav', 'a-0.wav', 'a_0.wav'):
    (prompts / copy).write_bytes((prompts / 'a.wav').read_bytes())
  three = [str(prompts / name) for name in ('a.wav', 'deep/a.wav', 'a-0.wav')]
  with pytest.raises(UserError, match='out/a-0_0.wav would be written over'):
    run(*three)
  two = [str(prompts / name) for name in ('a.wav', 'a_0.wav')]
  with pytest.raises(UserError, match='a_0.wav would be written over'):
    run(*two, output_dir=str(prompts))


def test_a_prompt_that_is_named_twice_is_continued_once(run, prompts):
  _, manifest = run(
      f'{prompts}/a.wav', f'{prompts}/*a.wav', f'{prompts}/../prompts/a.wav'
  )
  assert set(manifest) == {'a_0.wav'}


def test_a_run_on_all_devices_makes_what_one_device_makes(
    run, prompts, monkeypatch
):
  flags = (f'{prompts}/a.wav', '--samples_per_prompt=8')
  placed = []
  spread = request.spread

  def remember(keys):
    placed.append(spread(keys))
    return placed[-1]

  monkeypatch.setattr(request, 'spread', remember)
  run(*flags, output_dir='all')
  assert len(placed[0].sharding.device_set) == len(jax.devices()) == 8
  monkeypatch.setattr(request, 'spread', lambda keys: keys)
  run(*flags, output_dir='one')
  for i in range(8):
    np.testing.assert_array_equal(
        audio.read(f'all/a_{i}.wav', 16000), audio.read(f'one/a_{i}.wav', 16000)
    )


def test_prompts_of_one_name_do_not_overwrite_each_other(run, prompts):
  (prompts / 'deep').mkdir()
  (prompts / 'a.wav').rename(prompts / 'deep/d.wav')
  _, manifest = run(f'{prompts}/**/d.wav')
  assert set(manifest) == {'d-0_0.wav', 'd-1_0.wav'}


@pytest.mark.parametrize('mode', ['acoustic_generation', 'unconditional'])
def test_other_modes_write_what_they_made(run, prompts, mode):
  files = [f'{prompts}/a.wav'] if mode == 'acoustic_generation' else []
  code, manifest = run(f'--mode={mode}', *files)
  (line,) = manifest.values()
  assert code == 0
  assert line['prompt_seconds'] == 0
  assert line['seconds'] == (0.2 if mode == 'unconditional' else 0.4)


@pytest.mark.parametrize(
    'flags,message',
    [
        ((), '--prompts'),
        (('nothing*.wav',), 'None of the prompts'),
        (('x.wav', '--temperatures=1,2'), 'three numbers'),
        (('x.wav', '--temperatures=1,0,1'), 'positive'),
        (('x.wav', '--model=nowhere'), 'nowhere'),
        (('x.wav', '--mode=unconditional'), 'no prompts'),
    ],
)
def test_a_mistake_is_named_in_one_line(run, flags, message):
  with pytest.raises(UserError, match=message) as error:
    run(*flags)
  assert '\n' not in str(error.value)


@pytest.mark.parametrize('output_dir', ['file/out', '/proc/out'])
def test_a_folder_that_cannot_be_written_is_refused_before_any_model_runs(
    run, prompts, tmp_path, monkeypatch, output_dir
):
  (tmp_path / 'file').touch()
  monkeypatch.setattr(AudioLM, '__init__', None)
  with pytest.raises(UserError, match=output_dir):
    run(f'{prompts}/a.wav', output_dir=output_dir)
