"""Verbs may keep compiled programs, but not in the user's cache folder."""

import pytest
import tiny


@pytest.fixture(scope='session', autouse=True)
def cache_folder(tmp_path_factory):
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
    yield


@pytest.fixture(scope='session')
def tiny_model(tmp_path_factory):
  """Folder of a bundle."""
  folder = tmp_path_factory.mktemp('model')
  tiny.bundle().save(folder, '', float16=())
  return folder
