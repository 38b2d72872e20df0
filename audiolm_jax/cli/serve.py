"""Opens a local page on which one hears a model, and the same over HTTP.

Examples:
  audiolm serve
  audiolm serve --model=piano --port=8000
  audiolm serve --recordings='clips/*.wav' --answers_dir=listening
  curl --data-binary @me.wav 'localhost:7860/continue?seconds=7' > longer.wav

The page has three tabs. "Continue" prolongs what one records, uploads or picks,
and plays it while it is made. "Another voice" lets somebody else say what a
recording says. "Listening test" plays recordings and continuations in drawn
order and tests whether they can be told apart (AudioLM s. IV-G); the answers
stand in answers.csv of --answers_dir.

Only this machine is served unless --host or --share say otherwise. Whoever can
reach the page can use the model; there are no passwords. One generation is made
at a time, others wait in line. Needs the extra `demo`.

Exit code 2: a mistake of yours.
"""

import pathlib
import time

from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model',
    'speech',
    'Bundle: speech, piano, a folder or hf://ORG/NAME.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'detector',
    'detector',
    'Bundle with the classifier whose verdict is shown.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'host',
    '127.0.0.1',
    'Address to listen on; 0.0.0.0 lets the network in.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'port',
    7860,
    'Port to listen on.',
    lower_bound=1,
    upper_bound=65535,
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    'share',
    False,
    'Asks Gradio for an address that can be reached from everywhere.',
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    'recordings',
    [],
    'Recordings of the listening test: a path or a glob; may be repeated. By'
    ' default the prompts that come with the package.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'answers_dir',
    'answers',
    'Folder for the answers of the listening test.',
    flag_values=FLAGS,
)


def main(argv: list[str]) -> int:
  if argv[1:]:
    raise flags.Error(f'serve takes flags alone, not {argv[1]!r}.')
  # Heavy ones, which neither the help nor a mistake needs.
  from audiolm_jax import files
  from audiolm_jax.bundle.bundle import Bundle
  from audiolm_jax.cli import compilation
  from audiolm_jax.serving import prompts, server
  from audiolm_jax.serving.model import Model
  from audiolm_jax.sound import finding

  recordings = [
      pathlib.Path(path)
      for pattern in FLAGS.recordings
      for path in finding.matching(pattern)
  ]
  if FLAGS.recordings and not recordings:
    raise UserError('No file matches --recordings.')
  answers = files.writable(FLAGS.answers_dir)
  compilation.keep_compiled()
  classifier = Bundle.load(FLAGS.detector).classifier
  # Nobody knows what a model of one's own has heard.
  domain = 'piano' if 'piano' in FLAGS.model else 'speech'
  recordings = recordings or prompts.of(domain)
  model = Model(Bundle.load(FLAGS.model), classifier)
  place = server.Place(FLAGS.host, FLAGS.port, FLAGS.share)
  page = server.start(model, FLAGS.model, recordings, answers, place)
  print(f'Listening on {page.local_url} (Ctrl-C ends it)', flush=True)
  if page.share_url:
    print(f'and on {page.share_url}', flush=True)
  while True:
    time.sleep(3600)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
