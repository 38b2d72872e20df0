"""Tests audiolm_jax/bundle/publishing.py."""

import types

import pytest
import tiny

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.errors import UserError
from audiolm_jax.generation.audiolm import AudioLM
from tests.bundle import fake_hub


class Api:
  """Stands in for HfApi: remembers what is asked of it."""

  there: list[str] = ['.gitattributes']

  def __init__(self, token=None):
    self.token = token

  def create_repo(self, repo_id, private=None, exist_ok=False):
    Api.made = (repo_id, private, exist_ok, self.token)

  def list_repo_files(self, repo_id):
    assert repo_id == Api.made[0]
    return Api.there

  def create_commit(self, repo_id, operations, commit_message):
    assert repo_id == Api.made[0] and 'audiolm_jax' in commit_message
    Api.added, Api.deleted = {}, []
    for operation in operations:
      if hasattr(operation, 'path_or_fileobj'):
        with operation.as_file() as file:
          Api.added[operation.path_in_repo] = file.read()
      else:
        Api.deleted.append(operation.path_in_repo)
    return types.SimpleNamespace(oid=fake_hub.COMMIT)


@pytest.fixture(name='api')
def fixture_api(cache, monkeypatch):
  monkeypatch.setattr('huggingface_hub.HfApi', Api)
  monkeypatch.setattr(Api, 'there', ['.gitattributes'])
  return Api


def test_what_is_pushed_loads_again(api, cache, folder):
  where = Bundle.load(folder).push_to_hub('me/tiny', True, 'hf_secret')
  assert where == f'hf://me/tiny@{fake_hub.COMMIT}'
  assert api.made == ('me/tiny', True, True, 'hf_secret')
  names = set(fake_hub.files(folder)) | {'README.md'}
  assert set(api.added) == names and not api.deleted
  assert api.added['README.md'].startswith(b'---\nlibrary_name: audiolm_jax')
  assert api.added['README.md'].endswith(b'# A card\n')
  fake_hub.keep(cache, 'me/tiny', api.added)
  for address in (where, 'hf://me/tiny'):
    assert Bundle.load(address).fingerprint == tiny.bundle().fingerprint
  # From the cache, where files are links, it is pushed on as it is.
  first = dict(api.added)
  assert AudioLM.load(where).push_to_hub('you/tiny')
  assert api.added == first and api.made[0] == 'you/tiny'


def test_files_of_no_bundle_stay_at_home(api, folder, tmp_path):
  for name, content in fake_hub.files(folder).items():
    (tmp_path / name).write_bytes(content)
  for name in ('token', 'classifier.safetensors', 'me.wav'):
    (tmp_path / name).write_text('private')
  (tmp_path / 'README.md').write_text('# My own page')
  (tmp_path / 'MODEL_CARD.md').unlink()
  Bundle.load(tmp_path).push_to_hub('me/tiny')
  names = set(fake_hub.files(folder)) - {'MODEL_CARD.md'} | {'README.md'}
  assert set(api.added) == names
  assert api.added['README.md'] == b'# My own page'


def test_parts_of_an_earlier_bundle_are_deleted_and_nothing_else(api, folder):
  api.there = ['soundstorm.safetensors', 'fine.safetensors', 'demo.wav']
  Bundle.load(folder).push_to_hub('me/tiny')
  assert api.deleted == ['soundstorm.safetensors']


def test_a_bundle_of_the_package_can_be_pushed(api):
  Bundle.load('speakers').push_to_hub('me/speakers')
  assert {'bundle.json', 'classifier.safetensors'} < set(api.added)
  assert b'audio-classification' in api.added['README.md']


def test_what_cannot_be_pushed_is_one_line(api, folder, tmp_path):
  with pytest.raises(UserError, match='save it'):
    tiny.bundle().push_to_hub('me/tiny')
  bundle = Bundle.load(folder)
  for name in ('tiny', 'me/tiny@v1', 'me/tiny/fine', 'me/a--b/'):
    with pytest.raises(UserError, match='ORG/NAME'):
      bundle.push_to_hub(name)
  tiny.bundle().save(tmp_path / 'mine', '')
  bundle = Bundle.load(tmp_path / 'mine')
  (tmp_path / 'mine/fine.safetensors').write_bytes(b'')
  with pytest.raises(UserError, match='fine.safetensors is damaged'):
    bundle.push_to_hub('me/tiny')


def test_a_hub_that_is_not_there_is_one_line(cache, folder):
  with pytest.raises(UserError, match='cannot be reached') as error:
    Bundle.load(folder).push_to_hub('me/tiny')
  assert str(error.value).startswith('hf://me/tiny: ')


def test_a_hub_that_refuses_is_one_line(serve, folder):
  serve({})
  with pytest.raises(UserError) as error:
    Bundle.load(folder).push_to_hub('me/tiny', token='hf_wrong')
  line = str(error.value)
  assert line.startswith('hf://me/tiny') and len(line.splitlines()) == 1
  assert 'hf_wrong' not in line
