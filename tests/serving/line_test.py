"""Tests audiolm_jax/serving/line.py."""

import contextlib
import threading

import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.serving import line as lines
from audiolm_jax.serving.line import Line


def test_who_came_first_is_served_first_and_gives_way():
  line = Line()
  with contextlib.ExitStack() as first, line.place() as second:
    assert second()
    third = first.enter_context(line.place())
    assert second() and not third()
  assert not len(line)


def test_who_leaves_in_the_middle_holds_nobody_up():
  line = Line()
  with contextlib.ExitStack() as places:
    served = contextlib.ExitStack()
    served.enter_context(line.place())
    given_up = contextlib.ExitStack()
    given_up.enter_context(line.place())
    last = places.enter_context(line.place())
    given_up.close()
    assert not last()
    served.close()
    assert last()


def test_an_error_frees_the_turn():
  line = Line()
  with pytest.raises(ZeroDivisionError), line.place():
    raise ZeroDivisionError
  assert not len(line)


def test_a_full_line_takes_nobody_and_stays_as_it_was():
  line = Line(longest=1)
  with line.place():
    with pytest.raises(UserError, match='try again later'):
      with line.place():
        raise AssertionError
    assert len(line) == 1
  assert not len(line)


def test_turns_never_overlap():
  line, inside, most = Line(), [], []

  def work():
    with line.place() as is_first:
      for _ in lines.until(is_first):
        pass
      inside.append(1)
      most.append(len(inside))
      inside.pop()

  threads = [threading.Thread(target=work) for _ in range(8)]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join()
  assert most == [1] * 8
