"""Cuts the prompts of data/prompts out of held-out clips of built corpora.

Example:
  python -m data.shipped.cut_prompts corpora/speech corpora/piano

data/prompts/LICENSES.md says whose work they are and on which terms.
"""

import json
import pathlib
import sys
from typing import NamedTuple

from absl import flags

from audiolm_jax import audio
from audiolm_jax.adapters.recording import SAMPLE_RATE, write_flac
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip, read_manifest
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()

_SECONDS = 4.0
_FOLDER = pathlib.Path(__file__).parents[1] / 'prompts'


class Cut(NamedTuple):
  """The place that a prompt is cut from.

  Attributes:
    name: Name of the prompt; it begins with its domain.
    clip: Path of the clip ends with this.
    start: Seconds into the clip.
  """

  name: str
  clip: str
  start: float = 0.0

  @property
  def domain(self) -> str:
    return self.name.partition('_')[0]


CUTS = (
    Cut('speech_italian', 'asterisk-it/vm-newuser.flac'),
    Cut('speech_russian', 'festvox-ru/ru_0084.flac'),
    Cut('speech_english_synthetic', 'bf_emma/northangerabbey-00989.flac'),
    Cut('piano_satie', 'test/satie-gymnopedie-no1.flac'),
    Cut('piano_joplin', 'test/the-easy-winners.flac'),
)


def main(argv: list[str]) -> None:
  if len(argv) != 3:
    raise UserError(
        'Give two corpora: python -m data.shipped.cut_prompts SPEECH PIANO'
    )
  clips = [
      clip
      for corpus in argv[1:]
      for clip in read_manifest(pathlib.Path(corpus) / 'manifest.jsonl', 'test')
  ]
  described = [_cut(cut, _source(cut, clips)) for cut in CUTS]
  text = json.dumps(described, indent=2, ensure_ascii=False)
  (_FOLDER / 'prompts.json').write_text(f'{text}\n', encoding='utf-8')


def _source(cut: Cut, clips: list[Clip]) -> Clip:
  for clip in clips:
    if clip.path.endswith(cut.clip):
      return clip
  raise UserError(f'No corpus has a test clip {cut.clip}; build them first.')


def _cut(cut: Cut, clip: Clip) -> dict[str, object]:
  waveform = audio.read(clip.path, SAMPLE_RATE, cut.start, _SECONDS)
  path = _FOLDER / f'{cut.name}.flac'
  return {
      'file': path.name,
      'domain': cut.domain,
      'seconds': write_flac(path, waveform),
      'source': clip.source,
      'clip': cut.clip,
      'start_seconds': cut.start,
      'split': clip.split,
      'speaker': clip.speaker,
      'piece': clip.piece,
      'licence': clip.licence,
  }


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
