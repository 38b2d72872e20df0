"""Tests audiolm_jax/cli/serve.py."""

import re

import pytest
from absl import flags

from audiolm_jax.cli import serve
from tests.cli.extras_test import run


def test_without_gradio_it_says_which_extra_brings_it():
  [(code, said)] = run(['serve'])
  assert code == 2
  assert re.fullmatch(
      r'Error: this needs the package gradio, which is not installed: pip'
      r" install 'audiolm_jax\[demo\]'\.\n",
      said,
  ), said


def test_a_file_is_no_flag():
  serve.FLAGS.unparse_flags()
  with pytest.raises(flags.Error, match='me.wav'):
    serve.main(serve.FLAGS(['serve', 'me.wav']))


def test_it_is_this_machine_alone_that_is_served_by_default():
  serve.FLAGS.unparse_flags()
  serve.FLAGS(['serve'])
  assert serve.FLAGS.host == '127.0.0.1' and not serve.FLAGS.share
