"""Tests audiolm_jax/cli/generate.py."""

import itertools
import json

import jax
import numpy as np
import pytest
import soundfile
import tiny

from audiolm_jax import audio
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import generate, request, requested, samples
from audiolm_jax.errors import UserError
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.tokens import stages


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


def test_short_names_of_flags_are_the_same_flags(run, prompts, tmp_path):
  path = str(prompts / 'a.wav')
  _, first = run(path, '--continuation_seconds=0.3')
  _, again = run(path, '--seconds=0.3', '-o', 'other', output_dir='other')
  assert first == again and len(first) == 1
  (name,) = first
  one, other = (tmp_path / folder / name for folder in ('out', 'other'))
  assert one.read_bytes() == other.read_bytes()


def single(tiny_model, *arguments):
  generate.FLAGS.unparse_flags()
  sizes = ('--prompt_seconds=0.2', '--continuation_seconds=0.2')
  flags = ('generate', f'--model={tiny_model}', *sizes, *arguments)
  return generate.main(generate.FLAGS(flags))


def test_one_sample_can_be_one_file(run, prompts, tiny_model, tmp_path, capsys):
  prompt = str(prompts / 'a.wav')
  _, lines = run(prompt)
  assert single(tiny_model, prompt, '-o', 'longer.wav') == 0
  assert capsys.readouterr().out.splitlines()[-1] == 'longer.wav'
  (name,) = lines
  wanted = (tmp_path / 'out' / name).read_bytes()
  assert (tmp_path / 'longer.wav').read_bytes() == wanted
  found = {path.name for path in tmp_path.iterdir()}
  assert found == {'prompts', 'out', 'longer.wav'}


@pytest.mark.usefixtures('run')
def test_a_file_is_neither_overwritten_nor_many(prompts, tiny_model, tmp_path):
  a, b = str(prompts / 'a.wav'), str(prompts / 'b.flac')
  (tmp_path / 'there.wav').write_bytes(b'precious')
  for arguments, message in (
      ((a, '-o', 'there.wav'), 'there already'),
      ((a, b, '-o', 'two.wav'), 'one file, and 2 samples'),
      ((a, '-o', 'two.wav', '--samples_per_prompt=3'), 'and 3 samples'),
      ((a, '-o', 'x.wav', '--num_hosts=2', '--host_index=0'), 'on 2 hosts'),
      ((a, '-o', 'x.mp3'), 'x.wav in the place of x.mp3'),
  ):
    with pytest.raises(UserError, match=message):
      single(tiny_model, *arguments)
  assert (tmp_path / 'there.wav').read_bytes() == b'precious'
  assert {p.name for p in tmp_path.iterdir()} == {'prompts', 'there.wav'}


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
  spread = samples.spread

  def remember(keys):
    placed.append(spread(keys))
    return placed[-1]

  monkeypatch.setattr(samples, 'spread', remember)
  run(*flags, output_dir='all')
  assert len(placed[0].sharding.device_set) == len(jax.devices()) == 8
  monkeypatch.setattr(samples, 'spread', lambda keys: keys)
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
        (('x.wav', '--temperatures=1,2'), 'one number, or three'),
        (('x.wav', '--temperatures=1,-1,1'), '0 or more'),
        (('x.wav', '--temperatures=nan'), 'finite'),
        (('x.wav', '--soundstorm_temperature=-1'), '0 or more'),
        (('x.wav', '--soundstorm_temperature=nan'), '0 or more'),
        (('x.wav', '--top_k=1.5'), 'whole numbers'),
        (('x.wav', '--top_p=0'), 'above 0'),
        (('x.wav', '--prompt_seconds=0'), '--mode=unconditional'),
        (('x.wav', '--continuation_seconds=0'), 'nothing to do'),
        (('x.wav', '--continuation_seconds=inf'), 'finite'),
        (('x.wav', '--voice=y.wav'), '--mode=acoustic_generation'),
        (('--mode=unconditional', '--keep_prompt'), '--mode=continuation'),
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


def test_how_it_is_sampled_is_heard_listed_and_compared(run, prompts):
  greedy = [f'{prompts}/a.wav', '--temperatures=0']
  one = run(*greedy, '--samples_per_prompt=2', output_dir='greedy')[1]
  first, second = (audio.read(f'greedy/{file}', tiny.RATE) for file in one)
  np.testing.assert_array_equal(first, second)
  # The most likely token alone is as greedy.
  flags = (f'{prompts}/a.wav', '--top_k=1,1,1', '--top_p=0.9')
  (line,) = run(*flags, output_dir='top')[1].values()
  np.testing.assert_array_equal(audio.read('top/a_0.wav', tiny.RATE), first)
  assert line['temperatures'] == [0.6, 0.8, 0.6]
  assert line['top_k'] == [1, 1, 1]
  assert line['top_p'] == [0.9] * 3
  assert line['soundstorm_temperature'] == 1.0
  with pytest.raises(UserError, match=r'top_k \[1, 1, 1\] and not \[0, 0, 0\]'):
    run(f'{prompts}/a.wav', '--top_p=0.9', output_dir='top')


def test_the_temperature_of_soundstorm_reaches_it():
  generate.FLAGS.unparse_flags()
  generate.FLAGS(['generate', 'x.wav', '--soundstorm_temperature=0.5'])
  asked = requested.request(generate.FLAGS).resolved(_recommending())
  assert asked.samplings.soundstorm.temperature == 0.5
  assert asked.samplings.coarse.temperature == 0.8


def _recommending():
  """A bundle that is best sampled warm."""
  part = tiny.soundstorm()
  semantic = tiny.language_model(stages.semantic(tiny.SIZES))
  return Bundle(
      {
          'semantic': semantic._replace(
              config=semantic.config | {'temperature': 0.9}
          ),
          'soundstorm': part._replace(
              config=part.config | {'temperature': 0.7}
          ),
      }
  )


@pytest.mark.parametrize(
    'flags, expected',
    [
        ((), [0.9, 0.8, 0.6, 0.7]),
        (('--temperatures=0.3',), [0.3, 0.3, 0.3, 0.7]),
        (('--soundstorm_temperature=0',), [0.9, 0.8, 0.6, 0]),
        (('--top_p=0.5',), [0.9, 0.8, 0.6, 0.7]),
    ],
)
def test_a_temperature_is_what_is_asked_for_else_what_the_bundle_says(
    flags, expected
):
  generate.FLAGS.unparse_flags()
  generate.FLAGS(['generate', 'x.wav', *flags])
  asked = requested.request(generate.FLAGS).resolved(_recommending())
  assert [each.temperature for each in asked.samplings] == expected


def test_a_prompt_is_kept_as_it_is(run, prompts):
  run(f'{prompts}/a.wav', output_dir='kept')
  run(f'{prompts}/a.wav', '--nokeep_prompt', output_dir='coded')
  kept, coded = (
      audio.read(f'{folder}/a_0.wav', tiny.RATE) for folder in ('kept', 'coded')
  )
  prompt = audio.read(prompts / 'a.wav', tiny.RATE, seconds=0.2)
  end, fade = len(prompt), round(0.02 * tiny.RATE)
  step = 2**-15
  np.testing.assert_allclose(
      kept[: end - fade], prompt[: end - fade], atol=step
  )
  np.testing.assert_array_equal(kept[end:], coded[end:])
  assert np.abs(kept[:end] - coded[:end]).max() > 10 * step


def test_a_voice_changes_what_is_heard_and_no_length(run, prompts):
  flags = [f'{prompts}/a.wav', '--mode=acoustic_generation']
  flags += ['--samples_per_prompt=8']
  lines = [
      run(*flags, *voice, output_dir=folder)[1]['a_0.wav']
      for folder, voice in (
          ('none', ()),
          ('noise', (f'--voice={prompts}/b.flac',)),
          ('silence', (f'--voice={prompts}/c.ogg',)),
      )
  ]
  assert [line['seconds'] for line in lines] == [0.4] * 3
  assert lines[1]['voice'] == f'{prompts}/b.flac'
  none, noise, silence = (
      np.stack([audio.read(f'{x}/a_{i}.wav', tiny.RATE) for i in range(8)])
      for x in ('none', 'noise', 'silence')
  )
  assert (noise != none).any() and (noise != silence).any()
  for voice in ('gone.wav', f'{prompts}/e.wav'):
    soundfile.write(prompts / 'e.wav', np.zeros(600), tiny.RATE)
    with pytest.raises(UserError, match=voice):
      run(*flags, f'--voice={voice}', output_dir='bad')


def test_a_prompt_may_last_a_minute(run, prompts):
  soundfile.write(prompts / 'e.wav', tiny.noise(1, 61)[0], tiny.RATE)
  _, manifest = run(f'{prompts}/e.wav', '--prompt_seconds=60')
  assert manifest['e_0.wav']['prompt_seconds'] == 60
  assert audio.duration('out/e_0.wav') == 60.2


@pytest.fixture
def long(monkeypatch):
  """Whatever is longer than a tenth of a second is."""
  monkeypatch.setattr(request, 'LONGEST_AT_ONCE', 0.1)


LONG = ('--continuation_seconds=1.6', '--prompt_seconds=0.4')


@pytest.mark.parametrize('kept', ['--nokeep_prompt', '--keep_prompt'])
def test_what_is_written_while_it_is_made_is_the_whole(
    run, prompts, monkeypatch, kept
):
  flags = (f'{prompts}/a.wav', f'{prompts}/d.wav', *LONG, kept)
  _, at_once = run(*flags, output_dir='at_once')
  monkeypatch.setattr(request, 'LONGEST_AT_ONCE', 0.1)
  monkeypatch.setattr(samples, 'generate', None)
  _, streamed = run(*flags, output_dir='streamed')
  assert streamed == at_once
  for file in at_once:
    one, other = (
        soundfile.read(f'{folder}/{file}', dtype='int16')[0].astype(int)
        for folder in ('at_once', 'streamed')
    )
    assert np.abs(one - other).max() <= 1


def test_a_long_run_that_was_killed_ends_in_the_same_bytes(
    run, prompts, monkeypatch, tmp_path, long
):
  flags = (f'{prompts}/a.wav', f'{prompts}/b.flac', *LONG)
  run(*flags, output_dir='unbroken')
  stream = samples.stream

  def killed(*args):
    yield from itertools.islice(stream(*args), 2)
    raise KeyboardInterrupt

  monkeypatch.setattr(samples, 'stream', killed)
  (tmp_path / 'broken').mkdir()
  with pytest.raises(KeyboardInterrupt):
    run(*flags, output_dir='broken')
  assert not list((tmp_path / 'broken').glob('*.wav'))
  # What a process leaves that cannot clean up.
  (tmp_path / 'broken/.a_0.wav.tmp').write_text('some')
  monkeypatch.setattr(samples, 'stream', stream)
  run(*flags, output_dir='broken')
  (tmp_path / 'broken/b_0.wav').unlink()
  run(*flags, output_dir='broken')
  folders = [
      {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
      for folder in ('unbroken', 'broken')
  ]
  assert folders[0] == folders[1]


def test_a_recording_that_ends_is_shorter_than_was_asked_for(run, prompts):
  flags = (f'{prompts}/a.wav', *LONG, '--temperatures=5', '--stop_at_end')
  _, manifest = run(*flags, '--samples_per_prompt=8')
  lengths = [line['seconds'] for line in manifest.values()]
  assert min(lengths) < 2.0
  for file, line in manifest.items():
    assert line['stop_at_end'] and line['continuation_seconds'] == 1.6
    assert audio.duration(f'out/{file}') == line['seconds']
