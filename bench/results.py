"""Writes docs/results.md: the bundles beside the papers' tables.

  python -m bench.results --speech=corpora/speech --piano=corpora/piano \\
      --speech_tokens=tokens/speech --piano_tokens=tokens/piano --pairs=pairs

Runs `audiolm evaluate` on the test split for each bundle, in the sizes that the
page names. Reports of their own, with players, lie under --reports; those that
are there already are taken as they are.
"""

import os
import pathlib
import shlex
import subprocess
import sys

from absl import app, flags

_HERE = pathlib.Path(__file__).parent
_DEFINE = flags.DEFINE_string
SPEECH = _DEFINE(
    'speech', None, 'Folder that data.shipped.speech wrote.', required=True
)
PIANO = _DEFINE(
    'piano', None, 'Folder that data.shipped.piano wrote.', required=True
)
SPEECH_TOKENS = _DEFINE('speech_tokens', None, 'Token store.', required=True)
PIANO_TOKENS = _DEFINE('piano_tokens', None, 'Token store.', required=True)
PAIRS = _DEFINE(
    'pairs',
    None,
    'Folder that data.shipped.minimal_pairs wrote.',
    required=True,
)
REPORTS = _DEFINE('reports', 'reports', 'Folder that the reports go to.')
OUTPUT = _DEFINE('output', 'docs/results.md', 'Page that is written.')
NUM_PROMPTS = flags.DEFINE_integer(
    'num_prompts', 12, 'Number of prompts for each bundle.'
)

_HEAD = """# Results

What the bundles that come with the package measure, beside the papers. Of
commit `{commit}`, on {cores} CPU cores; written by `python -m bench.results`.
Figures in brackets are 95 % intervals of a bootstrap over speakers or pieces
(pairs, for the linguistic probes). Small models of a few hours of sound stand
here beside models of 60,000 hours: the tables say how far the way is.
Real-time factors are of this one run, whatever else the machine did;
[bench/README.md](../bench/README.md) has those of idle cores. Two of the test
clips' voices are known to the detector: [detector.md](detector.md) is of voices
that are not, and has the classifier's half of Table III.
"""


def main(argv: list[str]) -> None:
  del argv
  commands = {
      'speech': _command(
          'speech',
          f'--manifest={SPEECH.value}/manifest.jsonl',
          f'--tokens={SPEECH_TOKENS.value}',
          f'--pairs={PAIRS.value}',
          # Table III asks for clips of a closed set: docs/detector.md.
          '--speakers=',
      ),
      'piano': _command(
          'piano',
          f'--manifest={PIANO.value}/manifest.jsonl',
          f'--tokens={PIANO_TOKENS.value}',
          '--visqol=audio',
          '--prompt_seconds=4',
      ),
  }
  parts = []
  for name, command in commands.items():
    report = pathlib.Path(REPORTS.value, name, 'report.md')
    if not report.exists():
      subprocess.run([sys.executable, '-m', *command], check=True)
    parts.append(_section(name, command, report.read_text()))
  head = _HEAD.format(commit=_commit(), cores=len(os.sched_getaffinity(0)))
  pathlib.Path(OUTPUT.value).write_text('\n'.join([head, *parts]))


def _command(model: str, *flags_of_it: str) -> list[str]:
  return [
      'audiolm_jax.cli.main',
      'evaluate',
      f'--model={model}',
      *flags_of_it,
      '--split=test',
      '--num_labelled_clips=24',
      '--labelled_seconds=10',
      f'--num_prompts={NUM_PROMPTS.value}',
      f'--output_dir={REPORTS.value}/{model}',
  ]


def _section(name: str, command: list[str], report: str) -> str:
  """A report one level deeper, under the command that wrote it."""
  lines = report.splitlines()[1:]
  deeper = [f'#{line}' if line.startswith('#') else line for line in lines]
  words = ['audiolm', *command[1:]]
  shown = shlex.join(words).replace(' --', ' \\\n    --')
  return f'## {name}\n\n```\n{shown}\n```\n' + '\n'.join(deeper) + '\n'


def _commit() -> str:
  command = ['git', 'describe', '--always', '--dirty', '--abbrev=10']
  return subprocess.run(
      command, check=True, capture_output=True, text=True, cwd=_HERE
  ).stdout.strip()


if __name__ == '__main__':
  app.run(main)
