"""Tests audiolm_jax/cli/verb.py: a verb with a flag.

Examples:
  verb_test --count=2
"""

import errno
import logging
import sys

import pytest
from absl import flags
from absl import logging as absl_logging

from audiolm_jax.cli import quiet, verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_integer('count', 1, 'How many.', flag_values=FLAGS)


def main(argv):
  if FLAGS.count < 0:
    raise UserError('--count is negative.\n  In call to configurable x')
  if FLAGS.count > 100:
    raise FloatingPointError('Step 7: loss nan.')
  if FLAGS.count == 50:
    raise OSError(errno.ENOSPC, 'No space left on device', 'out/a.wav')
  if FLAGS.count == 51:
    raise OSError(errno.EINVAL, 'Invalid argument')
  print(FLAGS.count, argv[1:])
  return FLAGS.count


def run(*args):
  """Returns the exit code."""
  FLAGS.unparse_flags()
  with pytest.raises(SystemExit) as stopped:
    verb.run(main, FLAGS, ['verb_test', *args])
  return stopped.value.code


def test_flags_stand_before_or_behind_files(capsys):
  assert run('a.wav', '--count=3', 'b.wav') == 3
  assert capsys.readouterr().out == "3 ['a.wav', 'b.wav']\n"


def test_what_follows_two_dashes_is_left_alone(capsys):
  assert run('--count=3', '--', '--runner=X') == 3
  assert capsys.readouterr().out == "3 ['--runner=X']\n"


@pytest.mark.parametrize(
    'flag,message',
    [
        ('--count=-1', 'Error: --count is negative.'),
        ('--count=x', '--count'),
        ('--cuont=1', 'Did you mean: count'),
    ],
)
def test_a_mistake_costs_one_line_and_exit_code_2(flag, message, capsys):
  assert run(flag) == 2
  printed = capsys.readouterr()
  assert message in printed.err
  assert printed.err.count('\n') == 1
  assert not printed.out


def test_a_disk_that_is_full_costs_one_line(capsys):
  assert run('--count=50') == 2
  said = capsys.readouterr().err
  assert said.startswith('Error: out/a.wav: No space left on device; ')
  assert said.count('\n') == 1


def test_an_error_that_no_disk_makes_is_not_hidden():
  with pytest.raises(OSError, match='Invalid argument'):
    verb.run(main, FLAGS, ['verb_test', '--count=51'])


def test_libraries_say_warnings_in_one_line():
  def record(path, level):
    try:
      raise ValueError('inside')
    except ValueError:
      exc_info = sys.exc_info()
    return logging.LogRecord('absl', level, path, 1, 'said', (), exc_info)

  quiet.libraries()
  (told,) = (
      each
      for each in absl_logging.get_absl_handler().filters
      if each.__class__.__module__ == quiet.__name__
  )
  library = 'site-packages/orbax/checkpoint/manager.py'
  assert not told.filter(record(library, logging.INFO))
  assert told.filter(record('audiolm_jax/training/loop.py', logging.INFO))
  for path, tracebacks in ((library, False), ('audiolm_jax/audio.py', True)):
    passed = record(path, logging.ERROR)
    assert told.filter(passed) and bool(passed.exc_info) == tracebacks


def test_a_run_that_diverged_says_where_in_one_line(capsys):
  assert run('--count=101') == 1
  assert capsys.readouterr().err == 'Error: Step 7: loss nan.\n'


def test_help_shows_examples_and_flags(capsys):
  assert run('--help') in (0, None)
  printed = capsys.readouterr().out
  assert 'verb_test --count=2' in printed
  assert 'How many.' in printed


def test_other_errors_keep_their_traceback():
  def broken(argv):
    raise ZeroDivisionError

  with pytest.raises(ZeroDivisionError):
    verb.run(broken, FLAGS, ['broken'])
