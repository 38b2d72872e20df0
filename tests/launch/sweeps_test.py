"""Tests launch/sweeps.py."""

import pytest

from audiolm_jax.errors import UserError
from launch import sweeps


def units(*flags):
  return sweeps.units([sweeps.parse(flag) for flag in flags])


def test_every_combination_is_a_unit():
  found = units('LEARNING_RATE=1e-3,2e-3', "a.B.kind='x','y/z'")
  assert [unit.name for unit in found] == [
      'LEARNING_RATE=0.001,kind=x',
      'LEARNING_RATE=0.001,kind=y_z',
      'LEARNING_RATE=0.002,kind=x',
      'LEARNING_RATE=0.002,kind=y_z',
  ]
  assert found[1].bindings == ('LEARNING_RATE=0.001', "a.B.kind='y/z'")


def test_a_name_depends_on_the_value_not_on_how_it_is_written():
  [first], [second] = units('A=1e-3'), units('A=0.0010')
  assert first == second


def test_parameters_of_the_same_last_name_are_told_apart():
  [unit] = units('a.rate=1', 'b.rate=2')
  assert unit.name == 'a.rate=1,b.rate=2'


def test_without_a_sweep_there_is_one_unit():
  assert units() == [sweeps.Unit('run', ())]


@pytest.mark.parametrize(
    'flags,message',
    [
        (['A'], '--sweep=A '),
        (['A='], '--sweep=A='),
        (['A=x'], '--sweep=A=x'),
        (['A=1e-3,0.001'], '2 points .* A=0.001'),
        (["A='x/y','x y'"], 'A=x_y'),
    ],
)
def test_a_mistake_is_named(flags, message):
  with pytest.raises(UserError, match=message):
    units(*flags)
