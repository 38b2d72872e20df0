"""Makes what a detector learns from: continuations, and originals beside them.

Example:
  python -m data.shipped.detector_clips detector/clips --model=speech \\
      --manifest='corpora/*/manifest.jsonl' --dev_speakers=af_sarah,bm_daniel \\
      --test_speakers=it_IT_m_Carlo,ru_RU_f_IvrvoiceRU,af_nova,am_michael

The first --prompt_seconds of every clip are continued, in turn by each of the
ways that the bundle has models for, the coarse and fine stages or SoundStorm,
and the continuation is kept without its prompt. What the clip really went on
with is kept twice: as the bundle's codec has it, which is what a detector has
to tell continuations from (AudioLM s. IV-H), and as it was recorded.
OUT/manifest.jsonl says what is what in `origin` and, before a slash, in
`source`. Speakers (pieces, where there are none) are in one split only.

A run that was killed goes on when it is started again.
"""

import collections
import pathlib
import sys
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from absl import flags, logging
from jaxtyping import Float

from audiolm_jax import audio, corpus, files
from audiolm_jax.adapters.recording import SAMPLE_RATE, finish, write_flac
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.classifier.labels import GENERATED, ORIGINAL
from audiolm_jax.cli import compilation, prompts, verb
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.generation import chain
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.generation.kinds import AUTOREGRESSIVE, PARALLEL

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model', 'speech', 'Bundle that continues.', flag_values=FLAGS
)
flags.DEFINE_string(
    'manifest',
    None,
    'Manifest of recordings, or a glob of several.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'dev_speakers',
    [],
    'Speakers (or pieces) of the split dev.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'test_speakers',
    [],
    'Speakers (or pieces) of the split test.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'clips_per_speaker',
    48,
    'Most clips of one speaker.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'prompt_seconds',
    3.0,
    'Seconds of each clip that are continued.',
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'seconds', 7.0, 'Seconds that are made of each clip.', flag_values=FLAGS
)
flags.DEFINE_float(
    'least_seconds',
    2.0,
    'Seconds that a clip has behind its prompt, or it is left out.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'batch_size',
    16,
    'Number of continuations that are made at once.',
    1,
    flag_values=FLAGS,
)
flags.DEFINE_integer('seed', 0, 'Seed of the continuations.', flag_values=FLAGS)

# How a clip came about: folders, and what `source` begins with.
CODEC, RECORDING = 'codec', 'recording'
# The part that a bundle needs to continue clips in a way.
_NEEDED = {AUTOREGRESSIVE: 'coarse', PARALLEL: 'soundstorm'}

Waveform = Float[np.ndarray, ' N']


class Source(NamedTuple):
  """A clip to make others of.

  Attributes:
    clip: Its split is that of its speaker.
    name: Name of the files made of it.
    how: The kind of models that continue it.
  """

  clip: Clip
  name: str
  how: str


def main(argv: list[str]) -> None:
  if len(argv) != 2 or not FLAGS.manifest:
    raise UserError('Give the folder to build in, and --manifest.')
  out = files.writable(argv[1])
  compilation.keep_compiled()
  bundle = Bundle.load(FLAGS.model)
  ways = [how for how, part in _NEEDED.items() if part in bundle.parts]
  sources = choose(corpus.read_manifest(FLAGS.manifest), ways)
  for how in ways:
    lm = AudioLM(bundle, chain.CHAINS[how](bundle))
    theirs = [source for source in sources if source.how == how]
    for first in range(0, len(theirs), FLAGS.batch_size):
      _make(out, bundle, lm, theirs[first : first + FLAGS.batch_size])
      done = min(first + FLAGS.batch_size, len(theirs))
      logging.info('%s: %d of %d', how, done, len(theirs))
  finish(out / 'manifest.jsonl', _listed(out, sources))


def choose(clips: Sequence[Clip], ways: Sequence[str]) -> list[Source]:
  """Clips that are long enough, at most so many of a speaker, split by them.

  Args:
    clips: Recordings.
    ways: The kinds of models that continue them in turn.

  Raises:
    UserError: A speaker who is held out has no clip that is long enough.
  """
  needed = FLAGS.prompt_seconds + FLAGS.least_seconds
  by_group = collections.defaultdict(list)
  for clip in sorted(clips, key=lambda clip: _crc(clip.path)):
    if clip.seconds >= needed:
      by_group[clip.speaker or clip.piece].append(clip)
  missing = {*FLAGS.dev_speakers, *FLAGS.test_speakers} - by_group.keys()
  if missing:
    raise UserError(
        f'{FLAGS.manifest} has no clip of {sorted(missing)[0]} that lasts'
        f' {needed:g} s; leave it out of the splits.'
    )
  return [
      Source(
          clip._replace(split=_split(group)),
          f'{group}-{_crc(clip.path):08x}',
          ways[index % len(ways)],
      )
      for group in sorted(by_group, key=str)
      for index, clip in enumerate(by_group[group][: FLAGS.clips_per_speaker])
  ]


def _crc(path: str) -> int:
  return zlib.crc32('/'.join(pathlib.Path(path).parts[-2:]).encode())


def _split(group: str) -> str:
  if group in FLAGS.test_speakers:
    return 'test'
  return 'dev' if group in FLAGS.dev_speakers else 'train'


def _path(out: pathlib.Path, how: str, source: Source) -> pathlib.Path:
  return out / how / f'{source.name}.flac'


def _make(
    out: pathlib.Path, bundle: Bundle, lm: AudioLM, batch: Sequence[Source]
) -> None:
  """Writes all that is made of a batch, unless it is there."""
  written = [
      _path(out, how, source)
      for source in batch
      for how in (source.how, CODEC, RECORDING)
  ]
  if all(path.exists() for path in written):
    return
  rate = lm.sample_rate
  whole = FLAGS.prompt_seconds + FLAGS.seconds
  waveforms = [
      lm.fit(audio.read(source.clip.path, rate, seconds=whole))
      for source in batch
  ]
  heard = [
      lm.fit(waveform[: round(FLAGS.prompt_seconds * rate)])
      for waveform in waveforms
  ]
  keys = prompts.keys(FLAGS.seed, heard, [0] * len(heard))
  made = lm.continuation(heard, FLAGS.seconds, keys)
  levels = made[0].tokens.acoustic.shape[-1]
  coded = _through_codec(bundle, waveforms, levels)
  for source, waveform, generation, same in zip(
      batch, waveforms, made, coded, strict=True
  ):
    begin = generation.prompt_samples
    for how, samples in (
        (source.how, generation.waveform),
        (CODEC, same),
        (RECORDING, waveform),
    ):
      write_flac(_path(out, how, source), samples[begin:])


def _through_codec(
    bundle: Bundle, waveforms: Sequence[Waveform], levels: int
) -> list[Waveform]:
  """Copies of clips by the codec, with the levels that generations have."""
  whole = round((FLAGS.prompt_seconds + FLAGS.seconds) * SAMPLE_RATE)
  whole = -(-whole // bundle.acoustic.hop_length) * bundle.acoustic.hop_length
  padded = np.zeros((len(waveforms), whole), np.float32)
  for row, waveform in zip(padded, waveforms, strict=True):
    row[: len(waveform)] = waveform
  codes = bundle.acoustic.encode(padded, np.full(len(padded), whole))
  decoded = bundle.acoustic.decode(codes[..., :levels])
  return [
      row[: len(waveform)]
      for row, waveform in zip(decoded, waveforms, strict=True)
  ]


def _listed(out: pathlib.Path, sources: Sequence[Source]) -> list[Clip]:
  clips = []
  for source in sources:
    for how in (source.how, CODEC, RECORDING):
      path = _path(out, how, source)
      made = how in (AUTOREGRESSIVE, PARALLEL)
      clips.append(
          source.clip._replace(
              path=str(path),
              seconds=audio.duration(path),
              source=f'{how}/{source.clip.source}',
              transcript=None,
              labels=None,
              origin=GENERATED if made else ORIGINAL,
          )
      )
  return clips


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
