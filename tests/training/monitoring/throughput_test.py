"""Tests audiolm_jax/training/monitoring/throughput.py; see loop_test.py too."""

import types

import jax
import pytest

from audiolm_jax.training import devices
from audiolm_jax.training.monitoring import throughput
from audiolm_jax.training.monitoring.throughput import Throughput


class Clock:
  """Time as the test says."""

  now = 100.0

  def monotonic(self):
    return self.now


@pytest.fixture
def clock(monkeypatch):
  clock = Clock()
  monkeypatch.setattr(throughput, 'time', clock)
  return clock


def test_rates_by_hand(clock, monkeypatch):
  h200 = types.SimpleNamespace(device_kind='NVIDIA H200')
  monkeypatch.setattr(jax, 'devices', lambda: [h200])
  rates = Throughput(flops=5e14)
  for wait, idle in ((1.0, True), (2.0, False)):
    with rates.waiting_for_data(lambda idle=idle: idle):
      clock.now += wait
    clock.now += 0.5
    rates.add({'weight': 300.0, 'loss': 1.0})
  found = rates.take()
  assert found.pop('memory_gib') > 0
  # Two steps and 600 tokens in 4 s, 10^15 operations on each device; a batch
  # that comes before the devices are done costs nothing.
  assert found == pytest.approx(
      {
          'steps_per_second': 0.5,
          'tokens_per_second': 150.0,
          'teraflops': 250.0,
          'mfu': 250 / 989,
          'data_wait': 0.25,
      }
  )
  assert throughput.describe(found) == (
      '0.5 steps/s  150 tokens/s  MFU 25.3%  data wait 25.0%'
  )
  clock.now += 1
  rates.add({})
  assert rates.take()['data_wait'] == 0


def test_a_device_that_is_not_known_has_no_peak():
  assert devices.peak_flops('cpu') is None
  assert devices.peak_flops('TPU v4') == 275e12


def test_the_process_knows_its_memory():
  rates = Throughput(flops=1.0)
  rates.add({})
  found = rates.take()
  assert 0.05 < found['memory_gib'] < 200
  assert 'mfu' not in found and 'tokens_per_second' not in found
