"""Tests audiolm_jax/bundle/readme.py."""

import pytest
import yaml

from audiolm_jax.bundle import folder, readme
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli.card import model_card
from audiolm_jax.corpus import Clip


def card(*licences):
  """The card of a model that heard a clip under each licence."""
  clips = [
      Clip(f'{i}.wav', 1.0, 'train', f'source{i}', licence)
      for i, licence in enumerate(licences)
  ]
  return model_card('mine', Bundle({}), clips, '')


@pytest.mark.parametrize(
    'licences, found',
    [
        (['CC-BY-4.0'], 'cc-by-4.0'),
        (['CC-BY-SA-3.0 June', 'CC-BY-SA-3.0 Allison'], 'cc-by-sa-3.0'),
        (['CC-BY-4.0', 'CC-BY-3.0'], None),
        (['CC-BY-4.0; GPL-2 (samples)'], None),
        (['CC-BY-4.0 | GPL-2'], None),
        (['MIT and GPL-2'], None),
        (['unknown'], None),
        ([''], None),
        ([], None),
    ],
)
def test_one_licence_of_all_sources_is_the_models(licences, found):
  assert readme.licence(card(*licences)) == found


def test_a_card_of_another_form_has_no_licence():
  for text in ('', '# A model', '## What it heard\n\n| |\n|\n||\n|||\n'):
    assert readme.licence(text) is None


def _read(text):
  """Header and the rest, as the hub tells them apart."""
  empty, header, rest = text.split('---\n', 2)
  assert not empty
  return yaml.safe_load(header), rest.lstrip()


def test_the_page_is_a_header_that_the_hub_reads_and_the_card():
  header, rest = _read(readme.page(card('CC-BY-4.0'), 'hf://me/mine', False))
  assert header['license'] == 'cc-by-4.0'
  assert header['library_name'] == 'audiolm_jax'
  assert {'audio', 'audio-generation', 'audiolm', 'jax'} == set(header['tags'])
  assert rest.startswith('# mine\n')
  assert 'audiolm generate --model=hf://me/mine`' in rest


@pytest.mark.parametrize('name', ['speech', 'piano', 'detector', 'speakers'])
def test_cards_of_several_licences_are_referred_to(name):
  text = (folder.SHIPPED / name / 'MODEL_CARD.md').read_text()
  header, rest = _read(readme.page(text, f'hf://me/{name}', True))
  assert header['license'] == 'other'
  assert header['license_link'] == 'MODEL_CARD.md'
  assert 'audio-classification' in header['tags']
  assert rest == text.replace('=FOLDER', f'=hf://me/{name}')
