"""Tests audiolm_jax/splits.py."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from audiolm_jax import splits

NAMES = st.sets(st.text(min_size=1, max_size=8), min_size=1, max_size=40)


@given(keys=NAMES, every=st.integers(1, 1000))
def test_from_three_keys_on_no_split_is_empty(keys, every):
  found = splits.assign(keys, every)
  assert found.keys() == keys
  assert len(set(found.values())) == min(len(keys), 3)
  assert 'train' in found.values()


@given(keys=NAMES)
def test_nothing_is_held_out_if_not_wanted(keys):
  assert set(splits.assign(keys, 0).values()) == {'train'}


@given(
    keys=st.lists(st.text(), min_size=1, max_size=40), every=st.integers(2, 50)
)
def test_the_order_of_the_keys_is_of_no_matter(keys, every):
  assert splits.assign(keys, every) == splits.assign(keys[::-1], every)


def test_of_many_keys_each_has_its_own_split():
  keys = [f'speaker {n}' for n in range(4000)]
  found = splits.assign(keys, 20)
  assert found == {key: splits.split_of(key, 20) for key in keys}
  for split in ('dev', 'test'):
    assert 0.04 < list(found.values()).count(split) / 4000 < 0.06


@given(speakers=st.dictionaries(st.text(), st.sampled_from(['a', 'b', None])))
def test_a_speaker_is_in_one_split_unless_it_is_the_only_one(speakers):
  found = splits.by_speaker(speakers, 5)
  assert found.keys() == speakers.keys()
  if len(set(speakers.values())) > 1:
    told = {(s, found[name]) for name, s in speakers.items() if s}
    assert len(told) == len({s for s, _ in told})
  else:
    assert found == splits.assign(speakers, 5)


def test_a_name_is_the_same_on_every_system():
  for name in ('é', 'naïve/ä.wav', 'Й.flac'):
    for form in ('NFC', 'NFD'):
      same = unicodedata.normalize(form, name)
      assert splits.split_of(same, 97) == splits.split_of(name, 97)


def test_names_that_are_no_utf_8_have_a_split():
  assert splits.split_of('\udcff.wav', 10) in splits.SPLITS
