"""Tests the adapters of folders, Libri-Light and MAESTRO."""

import csv
import json
import os
import pathlib

import mido
import numpy as np
import pytest
import soundfile

from audiolm_jax.adapters import folder, librilight, maestro
from audiolm_jax.corpus import read_manifest
from audiolm_jax.errors import UserError


def sound(path, seconds=1.0, rate=16000):
  path.parent.mkdir(parents=True, exist_ok=True)
  noise = np.random.default_rng(0).normal(0, 0.1, round(seconds * rate))
  soundfile.write(path, noise, rate)
  return path


def run(module, *arguments):
  module.FLAGS.unparse_flags()
  return module.main(module.FLAGS([module.__name__, *map(str, arguments)]))


def test_folder_points_at_files_of_any_kind_and_copies_none(tmp_path):
  sound(tmp_path / 'in/a.wav', 0.5)
  sound(tmp_path / 'in/deep/b.flac', 1.5, 44100)
  sound(tmp_path / 'in/c.ogg', 2.5, 8000)
  (tmp_path / 'in/notes.txt').write_text('not audio')
  out = tmp_path / 'out/clips.jsonl'
  assert run(folder, tmp_path / 'in', out) == 0
  clips = read_manifest(out)
  assert [clip.seconds for clip in clips] == [0.5, 2.5, 1.5]
  for clip in clips:
    assert tmp_path / 'in' in pathlib.Path(clip.path).resolve().parents
  assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == ['clips.jsonl']


def test_folder_skips_and_reports_bad_files(tmp_path, caplog):
  sound(tmp_path / 'good.wav')
  (tmp_path / 'bad.wav').write_bytes(b'RIFFraff')
  whole = sound(tmp_path / 'cut.flac', 10.0).read_bytes()
  (tmp_path / 'cut.flac').write_bytes(whole[: len(whole) // 2])
  out = tmp_path / 'clips.jsonl'
  assert run(folder, tmp_path / '*.*', out) == 1
  assert [clip.path for clip in read_manifest(out)] == [
      str(tmp_path / 'good.wav')
  ]
  assert 'bad.wav' in caplog.text and 'cut.flac' in caplog.text


def test_folder_without_any_audio_is_refused(tmp_path):
  with pytest.raises(UserError, match='no audio files'):
    run(folder, tmp_path, tmp_path / 'clips.jsonl')
  (tmp_path / 'bad.wav').write_bytes(b'RIFFraff')
  with pytest.raises(UserError, match='None of the 1 files'):
    run(folder, tmp_path, tmp_path / 'clips.jsonl')


def test_folder_keeps_a_speaker_in_one_split(tmp_path):
  for speaker in range(12):
    for take in range(3):
      sound(tmp_path / f'in/s{speaker}/{take}.wav', 0.1)
  out = tmp_path / 'clips.jsonl'
  run(
      folder,
      tmp_path / 'in',
      out,
      '--speaker=in/([^/]+)/',
      '--hold_out_every=4',
      '--source=mine',
      '--licence=CC0-1.0',
  )
  clips = read_manifest(out)
  assert len({clip.speaker for clip in clips}) == 12
  assert len({(clip.speaker, clip.split) for clip in clips}) == 12
  assert {clip.split for clip in clips} == {'train', 'dev', 'test'}
  assert {(clip.source, clip.licence) for clip in clips} == {
      ('mine', 'CC0-1.0')
  }


def test_librilight_knows_speaker_and_book(tmp_path):
  for speaker in range(30):
    path = sound(tmp_path / f'unlab/{speaker}/emma_0{speaker}/x.flac', 0.1)
    path.with_suffix('.json').write_text(
        json.dumps({'book_meta': {'title': f'Emma {speaker}'}})
    )
  sound(tmp_path / 'unlab/99/untold/x.flac', 0.1)
  arguments = (tmp_path / 'unlab', tmp_path / 'o.jsonl', '--hold_out_every=5')
  assert run(librilight, *arguments) == 0
  clips = read_manifest(tmp_path / 'o.jsonl')
  assert {clip.split for clip in clips} == {'train', 'dev', 'test'}
  told = {clip.speaker: clip.piece for clip in clips}
  assert told['7'] == 'Emma 7' and told['99'] == 'untold'


def test_folder_in_place_of_a_manifest_is_refused(tmp_path):
  sound(tmp_path / 'a/b/c.flac')
  for module in (folder, librilight):
    with pytest.raises(UserError, match='is a folder'):
      run(module, tmp_path, tmp_path)


def test_librilight_of_another_layout_is_refused(tmp_path):
  sound(tmp_path / 'a.flac')
  with pytest.raises(UserError, match='speaker/book'):
    run(librilight, tmp_path, tmp_path / 'out')


@pytest.fixture
def performances(tmp_path):
  """A MAESTRO of three pieces, the last without its MIDI file."""
  root = tmp_path / 'maestro-v3.0.0'
  columns = (
      'canonical_composer',
      'canonical_title',
      'split',
      'year',
      'midi_filename',
      'audio_filename',
      'duration',
  )
  rows = []
  for index, split in enumerate(['train', 'validation', 'test']):
    name = f'2004/piece{index}'
    sound(root / f'{name}.wav', 0.5)
    rows.append(
        ('A. Nobody', f'Étude {index}', split, 2004)
        + (f'{name}.midi', f'{name}.wav', 0.5)
    )
    if index < 2:
      file = mido.MidiFile()
      file.tracks.append(
          mido.MidiTrack(
              [
                  mido.Message('note_on', note=60 + index, velocity=80),
                  mido.Message('note_off', note=60 + index, time=480),
              ]
          )
      )
      file.save(root / f'{name}.midi')
  with open(root / 'maestro-v3.0.0.csv', 'w', encoding='utf-8') as file:
    csv.writer(file).writerows([columns, *rows])
  return root


def test_maestro_has_notes_and_skips_what_is_missing(performances, tmp_path):
  assert run(maestro, performances, tmp_path / 'out/manifest.jsonl') == 1
  first, second = read_manifest(tmp_path / 'out/manifest.jsonl')
  assert (first.split, second.split) == ('train', 'dev')
  assert second.piece == 'A. Nobody: Étude 1'
  assert open(second.labels).read() == '0.0000\t0.5000\t61\n'


def test_maestro_leaves_an_odd_midi_file_out(performances, tmp_path, caplog):
  midi = performances / '2004/piece0.midi'
  content = midi.read_bytes()
  flats = b'\0\xff\x59\2\xf7\0'  # Nine of them.
  at = content.index(b'MTrk') + 8
  size = (len(content) - at + len(flats)).to_bytes(4, 'big')
  midi.write_bytes(content[: at - 4] + size + flats + content[at:])
  assert run(maestro, performances, tmp_path / 'out/manifest.jsonl') == 1
  (clip,) = read_manifest(tmp_path / 'out/manifest.jsonl')
  assert clip.piece == 'A. Nobody: Étude 1'
  assert 'piece0.midi' in caplog.text and '9 flats' in caplog.text


def test_maestro_without_its_table_is_refused(tmp_path):
  with pytest.raises(UserError, match='maestro-v3.0.0.csv'):
    run(maestro, tmp_path, tmp_path / 'out')


def test_folder_names_what_it_passes_over(tmp_path, caplog):
  sound(tmp_path / 'in/good.wav')
  for name in ('a.m4a', 'b.wma', 'c.MP4', 'd.raw', 'e.webm', 'f.m4b'):
    (tmp_path / 'in' / name).write_bytes(b'not audio')
  (tmp_path / 'in/gone.flac').symlink_to(tmp_path / 'nowhere.flac')
  (tmp_path / 'in/notes.txt').write_text('not audio')
  assert run(folder, tmp_path / 'in', tmp_path / 'o.jsonl') == 1
  (found,) = read_manifest(tmp_path / 'o.jsonl')
  assert found.path.endswith('good.wav')
  for name in ('a.m4a', 'b.wma', 'c.MP4', 'd.raw', 'e.webm', 'gone.flac'):
    assert f'/{name}' in caplog.text
  assert '7 of 8 files are left out' in caplog.text
  assert 'notes.txt' not in caplog.text


@pytest.mark.parametrize(
    'name', ['a.sph', 'a.aifc', 'a.wave', 'a.snd', 'a.mp2', 'A.WAV', 'a.m4a']
)
def test_folder_finds_audio_by_any_of_its_suffixes(tmp_path, name):
  kinds = {'.sph': 'NIST', '.aifc': 'AIFF', '.snd': 'AU'}
  path = sound(tmp_path / 'in/x.wav')
  path.rename(tmp_path / 'in' / name)
  if path.suffix in kinds:
    soundfile.write(
        tmp_path / 'in' / name, np.ones(16000) / 9, 16000, format=kinds[name]
    )
  assert run(folder, tmp_path / 'in', tmp_path / 'o.jsonl') == 0
  assert [c.seconds for c in read_manifest(tmp_path / 'o.jsonl')] == [1.0]


def splits_of(manifest, root) -> dict[str, str]:
  return {
      str(pathlib.Path(c.path).resolve().relative_to(root.resolve())): c.split
      for c in read_manifest(manifest)
  }


def test_splits_follow_names_below_the_folder_however_it_is_spelled(
    tmp_path, monkeypatch
):
  for number in range(30):
    sound(tmp_path / f'in/d{number % 3}/{number}.wav', 0.05)
  (tmp_path / 'elsewhere/deep').mkdir(parents=True)
  (tmp_path / 'elsewhere/deep/linked').symlink_to(tmp_path / 'in')
  monkeypatch.chdir(tmp_path)
  found = []
  for spelled in (
      'in',
      './in/',
      'elsewhere/../in',
      tmp_path / 'in',
      'elsewhere/deep/linked',
      'in/**/*.wav',
      tmp_path / 'elsewhere/deep/linked/*/*.wav',
  ):
    assert run(folder, spelled, 'o.jsonl') == 0
    found.append(splits_of('o.jsonl', tmp_path / 'in'))
  assert all(one == found[0] for one in found)
  assert set(found[0].values()) == {'train', 'dev', 'test'}


@pytest.mark.parametrize('number', [1, 2, 3, 4, 7])
@pytest.mark.parametrize('speaker', ['', '--speaker=in/(.)'])
def test_small_folders_have_a_dev_and_a_test_clip(tmp_path, number, speaker):
  for index in range(number):
    sound(tmp_path / f'in/a{index}.wav', 0.05)
  arguments = [tmp_path / 'in', tmp_path / 'o.jsonl', *filter(None, [speaker])]
  assert run(folder, *arguments) == 0
  found = [clip.split for clip in read_manifest(tmp_path / 'o.jsonl')]
  assert len(set(found)) == min(number, 3) and 'train' in found


def test_folders_of_any_name_and_linked_ones_are_walked_once(tmp_path):
  root = tmp_path / 'album [FLAC]'
  names = ['a\u2028b.wav', 'n' * 240 + '.wav', os.fsdecode(b'\xff.wav')]
  for name in names:
    sound(root / 'deep' / 'x.wav').rename(root / 'deep' / name)
  (root / 'deep' / 'up').symlink_to(root)
  (root / 'again').symlink_to(root / 'deep')
  for spelled in (root, root / '**' / '*.wav', root / 'deep' / '*.wav'):
    assert run(folder, spelled, tmp_path / 'o.jsonl') == 0
    found = [c.path for c in read_manifest(tmp_path / 'o.jsonl')]
    assert sorted(map(os.path.realpath, found)) == sorted(
        str(root / 'deep' / name) for name in names
    )
  assert run(folder, root / 'deep' / names[0], tmp_path / 'o.jsonl') == 0
