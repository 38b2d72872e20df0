"""Where the cache is, with and without a home."""

import pathlib

import pytest

from audiolm_jax import cache


@pytest.mark.parametrize(
    'variables, expected',
    [
        ({'XDG_CACHE_HOME': '/x'}, '/x/audiolm_jax'),
        ({'HOME': '/y'}, '/y/.cache/audiolm_jax'),
        ({'HOME': '/y', 'XDG_CACHE_HOME': ''}, '/y/.cache/audiolm_jax'),
    ],
)
def test_the_cache_is_where_the_system_has_it(monkeypatch, variables, expected):
  monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
  for name, value in variables.items():
    monkeypatch.setenv(name, value)
  assert cache.folder() == pathlib.Path(expected)


def test_a_user_without_a_home_has_it_here(monkeypatch, tmp_path):
  def homeless():
    raise RuntimeError('Could not determine home directory.')

  monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
  monkeypatch.setattr(pathlib.Path, 'home', homeless)
  monkeypatch.chdir(tmp_path)
  assert cache.folder() == tmp_path / '.cache/audiolm_jax'
