"""A bundle to put on the hub, and a hub that nothing else knows."""

import pytest
import tiny

from tests.bundle import fake_hub


@pytest.fixture(scope='session', name='folder')
def fixture_folder(tmp_path_factory):
  """A bundle's folder."""
  folder = tmp_path_factory.mktemp('bundle')
  tiny.bundle().save(folder, '# A card\n', float16=())
  return folder


@pytest.fixture(name='cache')
def fixture_cache(tmp_path, monkeypatch):
  """An empty cache of the hub, which cannot be reached."""
  constants = pytest.importorskip('huggingface_hub.constants')
  monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'hub'))
  monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
  return tmp_path / 'hub'


@pytest.fixture(name='serve')
def fixture_serve(cache, monkeypatch):
  """Serves repositories, which are files by name, in the place of the hub."""
  from huggingface_hub import constants

  running = []

  def serve(repositories):
    server = fake_hub.Server(repositories)
    running.append(server.__enter__())
    template = server.url + '/{repo_id}/resolve/{revision}/{filename}'
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', False)
    monkeypatch.setattr(constants, 'ENDPOINT', server.url)
    monkeypatch.setattr(constants, 'HUGGINGFACE_CO_URL_TEMPLATE', template)
    return server

  yield serve
  for server in running:
    server.__exit__(None, None, None)
