"""Tests audiolm_jax/sound/finding.py."""

import glob
import os
import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.sound import finding

ODD = [
    'album [FLAC]',
    'take*',
    'what?',
    '[a-z]',
    '\u2028',
    'né',
    ' ',
    'x\ny',
    os.fsdecode(b'\xff\xfe'),
    'n' * 250,
]


def touch(path: pathlib.Path) -> str:
  path.parent.mkdir(parents=True, exist_ok=True)
  path.touch()
  return str(path)


@pytest.mark.parametrize('name', ODD)
def test_what_exists_is_never_a_glob(tmp_path, name):
  touch(tmp_path / 'a')  # What [a-z] would pick instead.
  touch(tmp_path / 'take2')
  folder, file = touch(tmp_path / name / 'x.flac'), touch(
      tmp_path / f'f/{name}'
  )
  assert finding.matching(folder) == [folder]
  assert finding.matching(file) == [file]
  assert finding.matching(tmp_path / name / '*.flac') == [folder]
  assert finding.matching(tmp_path / name / '**' / '*.flac') == [folder]
  assert list(finding.below(tmp_path / name)) == [folder]


FILES = [
    'a.wav',
    'b.flac',
    'd/a.wav',
    'd/e/c.wav',
    'd/.h/a.wav',
    '.i.wav',
    'd2/x',
]


@given(
    pattern=st.lists(
        st.sampled_from(
            [
                '**',
                '*',
                '*.wav',
                'd',
                'd*',
                '[ad]*',
                '?.wav',
                'a.wav',
                'e',
                '.*',
            ]
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=80, deadline=None)
def test_without_links_a_glob_finds_the_files_that_glob_finds(
    tmp_path_factory, pattern
):
  folder = tmp_path_factory.getbasetemp() / 'globbed'
  for file in FILES:
    touch(folder / file)
  pattern = os.path.join(folder, *pattern)
  expected = {p for p in glob.glob(pattern, recursive=True)}
  found = {p for p in finding.matching(pattern) if os.path.isfile(p)}
  assert found == set(filter(os.path.isfile, expected))


def test_linked_folders_are_followed_once(tmp_path):
  real = [touch(tmp_path / 'in/a/1.wav'), touch(tmp_path / 'in/z/2.wav')]
  outside = touch(tmp_path / 'out/3.wav')
  for link, target in (
      ('in/a/up', 'in'),
      ('in/b', 'in/z'),
      ('in/z/around', 'in/a'),
      ('in/out', 'out'),
      ('out/back', 'in'),
      ('in/a/same.wav', 'in/z/2.wav'),
  ):
    (tmp_path / link).symlink_to(tmp_path / target)
  for found in (
      list(finding.below(tmp_path / 'in')),
      finding.matching(tmp_path / 'in' / '**' / '*.wav'),
  ):
    assert sorted(map(os.path.realpath, found)) == sorted([*real, outside])
    assert all(os.path.samefile(path, path) for path in found)


def test_a_glob_is_relative_where_it_was_written_so(tmp_path, monkeypatch):
  touch(tmp_path / 'd/e/a.wav')
  monkeypatch.chdir(tmp_path)
  for pattern in ('**/*.wav', 'd/**/*.wav', 'd/*/a.wav', '*/e/a.wav'):
    assert finding.matching(pattern) == ['d/e/a.wav']
  assert finding.matching('nothing/*.wav') == []
