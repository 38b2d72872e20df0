"""Tests the plain little stories of data/shipped/plain_english.py."""

import collections
import itertools
import random
import re

import hypothesis
import hypothesis.strategies as st
import pytest

from data.shipped import plain_english, plain_people, plain_words
from data.shipped.plain_teller import Teller

SPLITS = ('train', 'dev', 'test')
STORIES = {
    split: list(itertools.islice(plain_english.passages(split), 300))
    for split in SPLITS
}


def sentences(text):
  return re.findall(r'[^.]+\.', text)


def all_sentences():
  for stories in STORIES.values():
    for story in stories:
      yield from (sentence.strip() for sentence in sentences(story.text))


def test_no_sentence_stands_in_two_splits():
  splits = collections.defaultdict(set)
  for split, stories in STORIES.items():
    for story in stories:
      for sentence in sentences(story.text):
        splits[sentence.strip()].add(split)
  assert all(len(found) == 1 for found in splits.values())


def test_no_story_is_told_twice():
  stories = [story for some in STORIES.values() for story in some]
  assert len({story.text for story in stories}) == len(stories)
  assert len({story.name for story in stories}) == len(stories)


def test_stories_are_short_and_of_three_to_six_sentences():
  for stories in STORIES.values():
    for story in stories:
      assert 90 <= len(story.text) <= 240
      assert 3 <= len(sentences(story.text)) <= 6


@hypothesis.given(st.sampled_from(SPLITS), st.integers(0, 10**6))
def test_a_story_depends_on_its_split_and_number_alone(split, number):
  story = plain_english.passage(split, number)
  assert story == plain_english.passage(split, number)
  found = {
      plain_english.sentence_split(sentence.strip())
      for sentence in sentences(story.text)
  }
  assert found == {split}


def test_a_stands_before_consonants_and_an_before_vowels():
  for sentence in all_sentences():
    for article, word in re.findall(r'\b(an?) (\w+)', sentence.lower()):
      vowel = word[0] in 'aeiou' and word != 'useful' or word == 'hour'
      assert (article == 'an') == vowel, sentence


@pytest.mark.parametrize(
    'phrase',
    ['a useful key', 'an hour', 'an old man', 'a young man', 'a university'],
)
def test_articles_go_by_the_sound(phrase):
  assert plain_words.with_article(phrase.split(' ', 1)[1]) == phrase


@pytest.mark.parametrize(
    'verb, does, did',
    [
        ('watch', 'watches', 'watched'),
        ('carry', 'carries', 'carried'),
        ('play with', 'plays with', 'played with'),
        ('look at', 'looks at', 'looked at'),
        ('go', 'goes', 'went'),
        ('put on', 'puts on', 'put on'),
        ('write', 'writes', 'wrote'),
        ('close', 'closes', 'closed'),
    ],
)
def test_verbs_inflect(verb, does, did):
  assert plain_words.third_person(verb) == does
  assert plain_words.past(verb) == did


@pytest.mark.parametrize(
    'one, many',
    [
        ('box', 'boxes'),
        ('strawberry', 'strawberries'),
        ('red apple', 'red apples'),
        ('toy', 'toys'),
        ('sharp knife', 'sharp knives'),
        ('mouse', 'mice'),
        ('sheep', 'sheep'),
        ('sandwich', 'sandwiches'),
        ('potato', 'potatoes'),
        ('photo', 'photos'),
    ],
)
def test_nouns_inflect(one, many):
  assert plain_words.plural(one) == many


def test_verbs_agree_with_pronouns_and_with_the_tense():
  """In what is, she goes and they go; in what was, both went."""
  words = plain_words.words()
  verbs = {verb.words for place in words.places for verb in place.verbs}
  firsts = {verb.split(' ')[0] for verb in verbs}
  singular = {plain_words.third_person(verb) for verb in firsts} | {'is'}
  plural = firsts | {'are'}
  for sentence in all_sentences():
    match = re.match(r'(She|He|They) (\w+)', sentence)
    if match:
      subject, verb = match.groups()
      wrong = singular - plural if subject == 'They' else plural - singular
      wrong -= {plain_words.past(first) for first in firsts}
      assert verb not in wrong, sentence


def test_no_story_changes_its_tense_or_its_hero():
  for story in itertools.chain(*STORIES.values()):
    text = f' {story.text.lower()} '
    assert not (
        re.search(r' (was|were) ', text) and re.search(r' (is|are) ', text)
    )
    starts = set(re.findall(r'(?:^|[.,] )(she|he)\b', story.text.lower()))
    assert len(starts) <= 1, story.text


@hypothesis.given(st.integers(0, 10**6))
def test_what_is_said_of_a_thing_neither_repeats_nor_denies(seed):
  draws = random.Random(seed)
  apart = plain_words.words().apart
  first = draws.choice(sorted(draws.choice(apart)))
  adjectives = [word for some in apart for word in some]
  other = plain_words.fitting(adjectives, (first,), draws)
  assert other != first
  assert not any({first, other} <= some for some in apart)


@hypothesis.given(st.integers(0, 10**6))
def test_nobody_meets_themselves(seed):
  draws = random.Random(seed)
  hero = plain_people.hero(draws)
  other = plain_people.other(hero, draws)
  assert other.split(' ')[-1] not in hero.first.split(' ')


@hypothesis.given(st.integers(0, 10**6))
def test_every_sentence_begins_large_and_ends_in_a_stop(seed):
  teller = Teller(random.Random(seed))
  kinds = (teller.openings, *[teller.middles] * 4, teller.endings)
  for kind in kinds:
    sentence = teller.tell(kind)
    assert re.fullmatch(r"[A-Z][A-Za-z ,']+\.", sentence)
    assert '  ' not in sentence


def test_every_verb_has_what_it_takes():
  words = plain_words.words()
  for place in words.places:
    for verb in place.verbs:
      for kind in verb.kinds:
        assert kind == 'person' or words.kinds[kind].nouns, (place, verb)
