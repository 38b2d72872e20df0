"""Tests README.md and docs/: commands, links, and the site made of them."""

import importlib
import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest

from audiolm_jax.cli import corpus, gin_flags, main
from tests import on_pages
from tests.on_pages import ROOT, commands, faults

PAGES = [
    *(ROOT / f'{name}.md' for name in ('README', 'CONTRIBUTING', 'CHANGELOG')),
    *(ROOT / folder / 'README.md' for folder in ('bench', 'data')),
    *sorted(ROOT.glob('docs/**/*.md')),
]
FENCE = re.compile(r'^```(\w*)\n(.*?)^```$', re.M | re.S)
SPAN = re.compile(r'`([^`]+)`')
LINK = re.compile(r'\]\(([^)\s]+)\)')
MODULES = [
    *map(main.module_of, main.VERBS),
    *(f'audiolm_jax.adapters.{name}' for name in corpus.MODULES.values()),
]


def name_of(page):
  return str(page.relative_to(ROOT))


def test_the_commands_of_pages_are_seen():
  found = [
      words
      for page in PAGES
      for language, script in FENCE.findall(page.read_text())
      if language == 'bash'
      for words in commands(script)
  ]
  assert len(found) > 60
  assert {words[0] for words in found} == set(on_pages.PROGRAMS)


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_the_commands_of_a_page_can_be_given(page):
  for language, script in FENCE.findall(page.read_text()):
    if language == 'bash':
      for words in commands(script):
        assert not faults(words)


@pytest.mark.parametrize('module', MODULES)
def test_the_examples_of_a_help_can_be_given(module):
  text = importlib.import_module(module).__doc__
  for example in re.findall(r'^Examples?:\n((?:  .*\n)+)', text, re.M):
    for words in commands(example):
      assert not faults(words)


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_what_python_on_a_page_imports_is_there(page):
  for language, code in FENCE.findall(page.read_text()):
    if language == 'python':
      for module, name in on_pages.imported(code):
        assert on_pages.offers(module, name), f'{module}.{name}'


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_commands_in_sentences_have_their_verbs_and_flags(page):
  text = FENCE.sub('', page.read_text())
  for span in SPAN.findall(text):
    words = span.split()
    # Capitals stand for something: `audiolm VERB --help`.
    if words[:1] != ['audiolm'] or not words[1:] or words[1].isupper():
      continue
    values, rest = on_pages.verb_flags(words[1:])
    if values is None:
      assert rest[:1] in ([], ['--help'], ['--version']), span
      continue
    for word in gin_flags.rewrite(rest):
      name = word.partition('=')[0].removeprefix('--')
      if word.startswith('--') and name not in ('', 'help'):
        assert {name, name.removeprefix('no')} & {*values}, span


@pytest.mark.parametrize(
    'command',
    [
        'audiolm generat me.wav',
        'audiolm generate --promts=me.wav',
        'audiolm generate me.wav --seed=one',
        'audiolm generate me.wav --mode=continue',
        'audiolm corpus folders clips mine.jsonl',
        'audiolm corpus folder clips mine.jsonl --license=MIT',
        'X=1 .venv/bin/audiolm train --gin_file=gin/nothing.gin',
        'srun --gres=gpu:8 audiolm train --gin.TRAINSTEPS=5',
        'audiolm train --gin.MODEL_DIR=runs/codec',
        'ls | python -m bench.nothing',
        'python -m bench.copies --modle=runs/codec',
        'python launch/xm_train.py --executer=gke',
        'cd x && make everything',
        'make continue SEEDS=1',
        'bash launch/nothing.sh',
    ],
)
def test_a_wrong_command_is_found(command):
  (words,) = commands(command)
  assert len(faults(words)) == 1


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_links_between_files_lead_somewhere(page):
  text = SPAN.sub('', FENCE.sub('', page.read_text()))
  for target in LINK.findall(text):
    if ':' in target:
      continue
    path, _, anchor = target.partition('#')
    file = (page.parent / path) if path else page
    assert file.exists(), target
    assert not anchor or anchor in anchors(file), target


def anchors(file: pathlib.Path) -> set[str]:
  """Anchors of headings, as GitHub and the site make them."""
  text = FENCE.sub('', file.read_text())
  return {
      re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')
      for heading in re.findall(r'^#+ (.+)$', text, re.M)
  }


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec('mkdocs') is None, reason='needs the extra docs'
)
def test_the_site_can_be_built(tmp_path):
  program = [sys.executable, '-m', 'mkdocs', 'build', '--strict']
  done = subprocess.run(
      [*program, '--site-dir', str(tmp_path)],
      cwd=ROOT,
      capture_output=True,
      text=True,
      check=False,
  )
  assert done.returncode == 0, done.stderr
  written = (tmp_path / 'commands.html').read_text()
  assert all(f'id="audiolm-{verb}"' in written for verb in main.VERBS)
  assert 'continue_recording' in (tmp_path / 'api.html').read_text()
  # A section of README.md, with its links turned to where files are now.
  home = (tmp_path / 'index.html').read_text()
  assert 'repository/audiolm_jax/bundles/speech/MODEL_CARD.html' in home
