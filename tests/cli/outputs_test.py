"""Tests audiolm_jax/cli/outputs.py and making.py: runs that are cut short."""

import errno
import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import time

import pytest
import soundfile
import tiny

from audiolm_jax import audio
from audiolm_jax.cli import generate, samples
from audiolm_jax.cli.hosts import Share
from audiolm_jax.cli.outputs import Outputs
from audiolm_jax.cli.plan import Job
from audiolm_jax.cli.prompts import Prompt
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.subjects import generated
from tests.cli import noise

ROOT = pathlib.Path(__file__).parents[2]
NUM_PROMPTS = 10
NUM_SAMPLES = 20


@pytest.fixture
def prompts(tmp_path):
  """Of three lengths, in no order."""
  folder = tmp_path / 'prompts'
  folder.mkdir()
  for i, waveform in enumerate(tiny.noise(NUM_PROMPTS, 0.4)):
    waveform = waveform[: 640 * (2 + 3 * (i % 3))]
    soundfile.write(folder / f'{i}.wav', waveform, tiny.RATE)
  return folder


@pytest.fixture
def flags(tiny_model, prompts):
  """Of a run; six batches."""
  return [
      f'--model={tiny_model}',
      f'--prompts={prompts}/*.wav',
      '--prompt_seconds=0.4',
      '--continuation_seconds=0.2',
      '--samples_per_prompt=2',
      '--batch_size=4',
  ]


@pytest.fixture
def run(flags, monkeypatch):
  """Runs the verb, with noise for sounds; returns the exit code."""
  monkeypatch.setattr(samples, 'generate', noise.make)

  def run(output_dir, *more):
    generate.FLAGS.unparse_flags()
    argv = ['generate', *flags, f'--output_dir={output_dir}', *more]
    return generate.main(generate.FLAGS(argv))

  return run


def start(output_dir, flags, *more):
  """The same in a process of its own."""
  command = [sys.executable, '-m', 'tests.cli.noise', *flags]
  return subprocess.Popen(
      [*command, f'--output_dir={output_dir}', *more],
      cwd=ROOT,
      stdout=subprocess.DEVNULL,
      env=os.environ | {'PYTHONPATH': f'{ROOT}:{ROOT / "tests"}'},
  )


def contents(folder):
  return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def num_lines(folder):
  return sum(
      path.read_bytes().count(b'\n')
      for path in folder.glob('manifest*.jsonl')
      if path.exists()
  )


def kill_at_random(start_one, folder, dice):
  """Lets a run write some samples, or none, and kills it wherever it is."""
  wanted = num_lines(folder) + dice.choice([0, 0, 1, 2, 3])
  process = start_one()
  # Long before this it reads what is there.
  time.sleep(dice.uniform(0, 3) if wanted == num_lines(folder) else 0)
  while num_lines(folder) < wanted and process.poll() is None:
    time.sleep(0.001)
  time.sleep(dice.uniform(0, 0.03))
  process.kill()
  process.wait()


@pytest.mark.slow
def test_killed_ten_times_equals_unbroken(run, flags, tmp_path):
  broken, unbroken = tmp_path / 'broken', tmp_path / 'unbroken'
  dice = random.Random(time.time_ns())
  for _ in range(10):
    kill_at_random(lambda: start(broken, flags), broken, dice)
  assert start(broken, flags).wait() == 0
  run(unbroken)
  assert len(list(broken.glob('*.wav'))) == NUM_SAMPLES
  assert contents(broken) == contents(unbroken)


@pytest.mark.slow
def test_hosts_at_the_same_time_some_killed_equal_one(run, flags, tmp_path):
  several, one = tmp_path / 'several', tmp_path / 'one'
  several.mkdir()
  dice = random.Random(time.time_ns())

  def start_host(index):
    return start(several, flags, '--num_hosts=3', f'--host_index={index}')

  kill_at_random(lambda: start_host(1), several, dice)
  hosts = [start_host(index) for index in range(3)]
  assert [host.wait() for host in hosts] == [0, 0, 0]
  run(one)
  found = contents(several)
  parts = [name for name in found if name.startswith('manifest-')]
  assert parts == [f'manifest-0000{i}-of-00003.jsonl' for i in range(3)]
  for name in parts:
    del found[name]
  assert found == contents(one)


@pytest.mark.parametrize('order', [(0, 1, 2), (2, 0, 1)])
def test_hosts_one_after_another_equal_one(run, tmp_path, order):
  folder = tmp_path / 'several'
  for index in order:
    assert not (folder / 'manifest.jsonl').exists()
    assert run(folder, '--num_hosts=3', f'--host_index={index}') == 0
  run(tmp_path / 'one')
  expected = contents(tmp_path / 'one')
  assert contents(folder).items() >= expected.items()
  # Each line stands in the part of one host.
  assert num_lines(folder) == 2 * NUM_SAMPLES


def test_another_number_of_hosts_goes_on(run, tmp_path):
  folder = tmp_path / 'several'
  run(folder, '--num_hosts=3', '--host_index=1')
  made = {path: path.stat().st_mtime_ns for path in folder.glob('*.wav')}
  assert 0 < len(made) < NUM_SAMPLES
  run(folder)
  run(tmp_path / 'one')
  assert contents(folder).items() >= contents(tmp_path / 'one').items()
  assert all(path.stat().st_mtime_ns == then for path, then in made.items())


@pytest.mark.parametrize('num_left', range(0, NUM_SAMPLES, 3))
def test_a_batch_that_was_cut_is_made_as_a_whole(run, tmp_path, num_left):
  """Of noise every sample is another one in another batch."""
  unbroken, broken = tmp_path / 'unbroken', tmp_path / 'broken'
  run(unbroken)
  broken.mkdir()
  kept = random.Random(num_left).sample(lines(unbroken), num_left)
  with (broken / 'manifest.jsonl').open('w') as file:
    for line in kept:
      sound = (unbroken / line['file']).read_bytes()
      (broken / line['file']).write_bytes(sound)
      file.write(json.dumps(line) + '\n')
    file.write('{"file": "0_1.w')
  assert run(broken) == 0
  assert contents(broken) == contents(unbroken)


def lines(folder):
  text = (folder / 'manifest.jsonl').read_text()
  return list(map(json.loads, text.splitlines()))


def test_a_second_run_makes_nothing_and_says_so(
    run, tmp_path, monkeypatch, capsys
):
  run(tmp_path / 'out')
  before = contents(tmp_path / 'out')
  monkeypatch.setattr(samples, 'generate', None)
  monkeypatch.setattr(samples, 'read', None)
  assert run(tmp_path / 'out') == 0
  assert '20/20 samples: 20 were there already' in capsys.readouterr().out
  assert contents(tmp_path / 'out') == before


def test_a_wav_that_was_deleted_is_made_again(run, tmp_path):
  run(tmp_path / 'out')
  before = contents(tmp_path / 'out')
  (tmp_path / 'out/3_1.wav').unlink()
  run(tmp_path / 'out')
  assert contents(tmp_path / 'out') == before


@pytest.mark.parametrize(
    'flag,message',
    [
        ('--seed=1', 'seed 0 and not 1'),
        ('--weights=int8', 'weights full and not int8'),
        ('--mode=acoustic_generation', 'mode continuation and not acoustic'),
        ('--temperatures=1,1,1', r'temperatures \[0.6, 0.8, 0.6\] and not'),
        ('--continuation_seconds=0.4', 'continuation_seconds 0.2 and not 0.4'),
        ('--prompt_seconds=0.1', 'prompt_seconds 0.2 and not 0.08'),
    ],
)
def test_what_was_made_otherwise_is_refused(run, tmp_path, flag, message):
  run(tmp_path / 'out')
  before = contents(tmp_path / 'out')
  with pytest.raises(UserError, match=f'{message}.*choose another') as error:
    run(tmp_path / 'out', flag)
  assert '\n' not in str(error.value)
  assert contents(tmp_path / 'out') == before


def test_another_model_and_other_prompts_of_the_name_are_refused(
    run, prompts, tmp_path
):
  run(tmp_path / 'out')
  tiny.bundle(num_coarse=4).save(tmp_path / 'other', '', float16=())
  with pytest.raises(UserError, match='made with fingerprint'):
    run(tmp_path / 'out', f'--model={tmp_path}/other')
  prompts.rename(tmp_path / 'renamed')
  with pytest.raises(UserError, match='prompts/0.wav and not .*renamed/0.wav'):
    run(tmp_path / 'out', f'--prompts={tmp_path}/renamed/*')


def test_other_prompts_join_those_of_earlier_runs(run, prompts, tmp_path):
  folder, more = tmp_path / 'out', tmp_path / 'more'
  run(folder)
  before = lines(folder)
  more.mkdir()
  (prompts / '4.wav').rename(more / 'new.wav')
  prompts.rename(tmp_path / 'elsewhere')
  with pytest.raises(UserError, match='seed 0 and not 1'):
    run(folder, f'--prompts={more}/*', '--seed=1')
  assert run(folder, f'--prompts={more}/*') == 1  # The old ones are gone.
  assert lines(folder)[:NUM_SAMPLES] == before
  found = generated.read_manifest(folder)
  assert [each.file for each in found[NUM_SAMPLES:]] == [
      'new_0.wav',
      'new_1.wav',
  ]


@pytest.mark.parametrize('order', [(0, 1), (1, 0)])
def test_a_damaged_prompt_holds_nobody_up_and_is_made_once_mended(
    run, prompts, tmp_path, capsys, order
):
  """Its header is whole: only the host that reads it finds out."""
  run(tmp_path / 'whole')
  good = (prompts / '4.wav').read_bytes()
  soundfile.write(prompts / '4.flac', tiny.noise(1, 0.4)[0], tiny.RATE)
  flac = (prompts / '4.flac').read_bytes()
  (prompts / '4.wav').write_bytes(flac[: len(flac) // 2])
  (prompts / '4.flac').unlink()
  folder = tmp_path / 'out'
  codes = [
      run(folder, '--num_hosts=2', f'--host_index={index}') for index in order
  ]
  assert sorted(codes) in ([0, 1], [1, 1])
  assert '4.wav is damaged' in capsys.readouterr().err
  assert len(lines(folder)) == NUM_SAMPLES - 2
  generated.read_manifest(folder)
  (prompts / '4.wav').write_bytes(good)
  assert run(folder) == 0
  assert contents(folder).keys() >= contents(tmp_path / 'whole').keys()
  assert len(lines(folder)) == NUM_SAMPLES


def test_a_host_hears_what_others_failed_at_meanwhile(tmp_path):
  first, second = (Outputs(tmp_path, Share(index, 2)) for index in (0, 1))
  job = Job(Prompt('a.wav', 0, 640), 0, 'a_0.wav')
  assert first.finish([job]) is None
  second.fail(job)
  assert first.finish([job]) == []


def test_a_full_disk_is_one_line_and_the_run_goes_on_later(
    run, tmp_path, monkeypatch
):
  count = itertools.count()
  sync = os.fsync

  def full(descriptor):
    if next(count) == 5:
      raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    sync(descriptor)

  monkeypatch.setattr(os, 'fsync', full)
  with pytest.raises(UserError, match='No space left on device') as error:
    run(tmp_path / 'out')
  assert '\n' not in str(error.value)
  assert len(list((tmp_path / 'out').glob('*.wav'))) == 6
  assert run(tmp_path / 'out') == 0
  run(tmp_path / 'unbroken')
  assert contents(tmp_path / 'out') == contents(tmp_path / 'unbroken')


def test_prompts_are_read_when_their_batch_comes(run, tmp_path, monkeypatch):
  num_read, when = itertools.count(), []
  read = audio.read

  def count(*args, **kwargs):
    next(num_read)
    return read(*args, **kwargs)

  def make(*args):
    when.append(next(num_read) - len(when))
    return noise.make(*args)

  monkeypatch.setattr(audio, 'read', count)
  monkeypatch.setattr(samples, 'generate', make)
  run(tmp_path / 'out')
  assert when[:3] == [2, 4, 6]
