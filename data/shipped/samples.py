"""Makes sample pairs: recordings, and what a bundle makes of their beginnings.

Example:
  python -m data.shipped.samples docs/samples/piano --model=piano \\
      --manifest=corpora/piano/manifest.jsonl --prompt_seconds=4

Held-out clips, speakers or pieces in turn, are cut short and continued once
with one seed: nothing is chosen by ear. The folder gets a pair of Opus files a
clip, both with the recorded beginning, spectrograms of the first pair, and
README.md, which says whose recordings they are and on which terms. Needs the
extras `eval` and `formats`.
"""

import pathlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from absl import flags
from jaxtyping import Float

from audiolm_jax import corpus, files
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.report import plots
from audiolm_jax.evaluation.subjects import continuations
from audiolm_jax.evaluation.subjects.continuations import Excerpt
from audiolm_jax.generation.audiolm import AudioLM
from data.shipped import opus

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model', 'speech', 'Bundle that continues.', flag_values=FLAGS
)
flags.DEFINE_string(
    'manifest', None, 'Manifest with held-out clips.', flag_values=FLAGS
)
flags.DEFINE_string('split', 'test', 'Split of the clips.', flag_values=FLAGS)
flags.DEFINE_string(
    'language',
    None,
    'Language of the clips that are taken; all clips if not given.',
    flag_values=FLAGS,
)
flags.DEFINE_integer('pairs', 5, 'Number of pairs.', 1, flag_values=FLAGS)
flags.DEFINE_float(
    'prompt_seconds', 3.0, 'Seconds that are recorded.', 0.1, flag_values=FLAGS
)
flags.DEFINE_float(
    'continuation_seconds', 7.0, 'Seconds after them.', 0.1, flag_values=FLAGS
)
flags.DEFINE_integer('seed', 0, 'Seed of the samples.', flag_values=FLAGS)

TAKES = ('recorded', 'continued')
_PICTURE = 'spectrograms.png'
_NOTE = """# {model}: recordings and continuations

`python -m data.shipped.samples` made these files. The first {prompt:g} s of
each pair are the recording, once as it goes on and once as `{model}`
({fingerprint}) goes on from there, with seed {seed}: the first sample of each
of the first clips of the split `{split}`, which no model heard; none was chosen
by ear. Opus, {bit_rate} kbit/s. The first pair; the continuation begins at the
white line:

![spectrograms]({picture})

Recordings are changed as said (cut, resampled to {rate} Hz, coded). Whoever
passes a file on keeps the notice of its line: continuations begin with the
recording, too.

| recording | continuation | source | who or what | terms |
| --- | --- | --- | --- | --- |
"""


class Pair(NamedTuple):
  """A held-out clip and what the bundle makes of its beginning.

  Attributes:
    name: First part of the files' names.
    excerpt: The clip, cut.
    continued: Waveform that the bundle adds to the prompt.
  """

  name: str
  excerpt: Excerpt
  continued: Float[np.ndarray, ' N']

  def takes(self) -> dict[str, Float[np.ndarray, ' _']]:
    """Both sounds, each with the recorded prompt."""
    rests = zip(TAKES, (self.excerpt.rest, self.continued), strict=True)
    return {
        take: np.concatenate([self.excerpt.prompt, rest])
        for take, rest in rests
    }


def main(argv: list[str]) -> None:
  if len(argv) != 2 or not FLAGS.manifest:
    raise UserError(
        'Give a folder and a manifest: python -m data.shipped.samples'
        ' docs/samples/piano --model=piano --manifest=MANIFEST'
    )
  folder = files.writable(argv[1])
  bundle = Bundle.load(FLAGS.model)
  rate = bundle.tokenizers.sample_rate
  pairs = _pairs(bundle, _clips())
  for pair in pairs:
    for take, waveform in pair.takes().items():
      opus.write(folder / f'{pair.name}_{take}.opus', waveform, rate)
  _draw(pairs[0], rate, folder / _PICTURE)
  files.write(folder / 'README.md', _page(bundle, pairs).encode())


def _clips() -> list[corpus.Clip]:
  clips = corpus.read_manifest(FLAGS.manifest, FLAGS.split)
  return [
      clip
      for clip in sorted(clips, key=lambda clip: clip.path)
      if FLAGS.language in (None, clip.language)
  ]


def _pairs(bundle: Bundle, clips: Sequence[corpus.Clip]) -> list[Pair]:
  seconds = FLAGS.continuation_seconds
  chosen = continuations.choose(clips, FLAGS.prompt_seconds, FLAGS.pairs)
  excerpts = continuations.cut(bundle, chosen, FLAGS.prompt_seconds, seconds)
  made = continuations.make(
      AudioLM(bundle),
      bundle.tokenizers,
      [excerpt.prompt for excerpt in excerpts],
      seconds,
      num_samples=1,
      batch_size=len(excerpts),
      seed=FLAGS.seed,
  )
  return [
      Pair(str(number), excerpt, rows[0].waveform)
      for number, (excerpt, rows) in enumerate(
          zip(excerpts, made, strict=True), 1
      )
  ]


def _draw(pair: Pair, rate: int, path: pathlib.Path) -> None:
  seconds = len(pair.excerpt.prompt) / rate
  sounds = [
      plots.Sound(take, waveform, seconds)
      for take, waveform in pair.takes().items()
  ]
  plots.spectrograms(sounds, rate, path)


def _page(bundle: Bundle, pairs: Sequence[Pair]) -> str:
  text = _NOTE.format(
      model=FLAGS.model,
      fingerprint=bundle.fingerprint,
      prompt=FLAGS.prompt_seconds,
      seed=FLAGS.seed,
      split=FLAGS.split,
      bit_rate=opus.BIT_RATE // 1000,
      rate=bundle.tokenizers.sample_rate,
      picture=_PICTURE,
  )
  return text + ''.join(map(_line, pairs))


def _line(pair: Pair) -> str:
  clip = pair.excerpt.clip
  links = [f'[{take}]({pair.name}_{take}.opus)' for take in TAKES]
  cells = [
      *links,
      clip.source,
      clip.speaker or clip.piece or pathlib.Path(clip.path).stem,
      clip.licence,
  ]
  return '| ' + ' | '.join(cell.replace('|', '\\|') for cell in cells) + ' |\n'


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
