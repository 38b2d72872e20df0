"""Builds a speech corpus: recordings of people, and read English synthesised.

Examples:
  python -m data.shipped.speech corpora/speech
  python -m data.shipped.speech corpora/speech --kokoro_minutes=300
  python -m data.shipped.speech corpora/speech --sources=asterisk,fillets
  python -m data.shipped.speech corpora/speech --sources= --kokoro_minutes=60

The default recordings have permissive licences; those of fillets, tuxpaint,
klettres, ktuberling and hedgewars are copyleft. Synthetic speech is marked as
such by its source: kokoro, crowd or piper. OUT/manifest.jsonl is usable as soon
as the recordings are converted, and grows with every ten minutes of speech, so
that a training may start on what is there. An interrupted build goes on where
it stopped.
"""

import pathlib
import sys
from collections.abc import Iterable, Sequence

from absl import flags, logging

from audiolm_jax.adapters.recording import finish
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip, read_manifest, write_manifest
from audiolm_jax.errors import UserError
from data.shipped import decoding, game_speech, real_speech

FLAGS = flags.FlagValues()

_CLIPS_AT_ONCE = 55  # About ten minutes of speech.

SOURCES = {
    'asterisk': real_speech.asterisk,
    'festvox': real_speech.festvox,
    'fillets': game_speech.fillets,
    'tuxpaint': game_speech.tuxpaint,
    'klettres': game_speech.klettres,
    'ktuberling': game_speech.ktuberling,
    'hedgewars': game_speech.hedgewars,
}

flags.DEFINE_list(
    'sources',
    ['asterisk', 'festvox'],
    f'Recordings: any of {", ".join(SOURCES)}.',
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'kokoro_minutes',
    60.0,
    'Minutes of synthetic English by 58 voices; 60 take 20 to 75 CPU-minutes.',
    lower_bound=0.0,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'crowd_minutes',
    0.0,
    'Minutes of synthetic English in which each of a thousand speakers is heard'
    ' once or twice; as slow as the voices.',
    lower_bound=0.0,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'piper_minutes',
    0.0,
    'Minutes of synthetic English by variations of one voice; quick.',
    lower_bound=0.0,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'min_seconds',
    1.0,
    'Seconds under which recordings are left out.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'workers', 2, 'Number of processes.', lower_bound=1, flag_values=FLAGS
)


def main(argv: list[str]) -> None:
  if len(argv) != 2:
    raise UserError(
        'Give the folder to build in: python -m data.shipped.speech OUT'
    )
  manifest = pathlib.Path(argv[1], 'manifest.jsonl')
  clips = _recordings(manifest.parent)
  if FLAGS.kokoro_minutes or FLAGS.piper_minutes or FLAGS.crowd_minutes:
    # Its libraries are large, and nobody else needs them.
    from data.shipped import synthetic_speech

    logging.info('Now the synthetic speech.')
    spoken = synthetic_speech.build(
        manifest.parent,
        FLAGS.kokoro_minutes,
        FLAGS.piper_minutes,
        FLAGS.workers,
        FLAGS.crowd_minutes,
    )
    clips = grow(manifest, clips, spoken)
  finish(manifest, clips)


def grow(
    manifest: pathlib.Path, clips: Sequence[Clip], more: Iterable[Clip]
) -> list[Clip]:
  """Writes the manifest now and then as clips come; returns all of them.

  One that an interrupted build left is replaced by longer ones only, so that it
  can be read all the time.
  """
  clips = list(clips)
  written = len(read_manifest(manifest)) if manifest.exists() else 0
  if len(clips) > written:
    finish(manifest, clips)
  written = max(written, len(clips))
  for clip in more:
    clips.append(clip)
    if len(clips) >= written + _CLIPS_AT_ONCE:
      write_manifest(manifest, clips)
      written = len(clips)
      logging.info('%s: %d clips so far.', manifest, written)
  return clips


def _recordings(out: pathlib.Path):
  unknown = set(FLAGS.sources) - set(SOURCES)
  if unknown:
    raise UserError(
        f'There is no source {min(unknown)!r}; choose from'
        f' {", ".join(SOURCES)}.'
    )
  recordings = [
      recording for name in FLAGS.sources for recording in SOURCES[name]()
  ]
  return decoding.convert(recordings, out, FLAGS.min_seconds, FLAGS.workers)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
