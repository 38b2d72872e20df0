"""Tests audiolm_jax/errors.py."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from audiolm_jax.errors import UserError


@given(
    message=st.text(st.sampled_from('a\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029é'))
)
def test_a_message_is_one_line_whatever_names_are_in_it(message):
  error = UserError(message)
  assert len(str(error).splitlines()) <= 1
  assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_name_stays_what_it_is():
  assert str(UserError('né \udcff.wav')) == 'né \udcff.wav'
  assert str(UserError('a\u2028b\nc')) == 'a\\u2028b\\nc'
