"""Tests launch/xm_units.py, on XManager's mock of an experiment."""

import asyncio

import pytest

pytest.importorskip('xmanager')

import kubernetes  # noqa: E402
from absl import flags  # noqa: E402
from xmanager import xm_mock  # noqa: E402
from xmanager.cloud import vertex  # noqa: E402

from audiolm_jax.errors import UserError  # noqa: E402
from launch import (  # noqa: E402
    machines,
    sweeps,
    workers,
    xm_executors,
    xm_units,
)
from launch.experiments import Experiment  # noqa: E402
from launch.jobset import Container  # noqa: E402
from launch.machines import Machine  # noqa: E402

CONTAINER = Container('image')


def launch(machine):
  """The jobs of a sweep over two values."""
  if not flags.FLAGS.is_parsed():
    flags.FLAGS.mark_as_parsed()
  machine = machines.check(machine)
  experiment = Experiment(
      'e', '/runs', ('a.gin',), sweeps=(sweeps.parse('A=1,2'),)
  )
  runs = {
      workers.job_name(experiment, unit): workers.workers(
          experiment, unit, machine
      )
      for unit in sweeps.units(experiment.sweeps)
  }
  mock = xm_mock.MockExperiment()
  assert asyncio.run(xm_units.add_units(mock, runs, machine, CONTAINER)) == 0
  assert mock.work_unit_count == 2
  return mock.launched_jobs


def test_a_tpu_slice_is_one_job_with_a_jobset():
  first, second = launch(Machine('gke', 'tpu-v5e', topology='4x4'))
  assert isinstance(first.executor, xm_executors.JobSet)
  [job] = first.executor.manifest['spec']['replicatedJobs']
  assert job['template']['spec']['parallelism'] == 4
  assert first.executor.manifest['metadata'] == {'name': first.name}
  assert first.name != second.name


@pytest.mark.parametrize(
    'accelerator,count,machine_type',
    [
        ('a100', 8, 'a2-highgpu-8g'),
        ('a100', 16, 'a2-megagpu-16g'),
        ('l4', 1, 'g2-standard-4'),
        ('tpu-v2', 8, 'cloud-tpu'),
        ('tpu-v3', 8, 'cloud-tpu'),
    ],
)
def test_vertex_gets_the_machine_that_has_the_accelerator(
    accelerator, count, machine_type
):
  job, _ = launch(Machine('vertex', accelerator, 1, count))
  spec = vertex.get_machine_spec(job)
  assert spec['machine_type'] == machine_type
  assert spec['accelerator_count'] == count
  words = job.args.to_list()
  assert words[:2] == ['train', '--gin_file=a.gin']


def test_all_machines_of_vertex_are_known_to_xmanager():
  for accelerator, counts in machines.VERTEX.items():
    for count in counts:
      job, _ = launch(Machine('vertex', accelerator, 1, count))
      assert vertex.get_machine_spec(job)['machine_type'] != 'n1-standard-4'


class Cluster:
  """Kubernetes, as far as it is asked."""

  def __init__(self):
    self.names = []

  def create_namespaced_custom_object(self, *where_and_what):
    *where, body = where_and_what
    assert where == ['jobset.x-k8s.io', 'v1alpha2', 'mine', 'jobsets']
    name = body['metadata']['name']
    if name in self.names:
      raise kubernetes.client.ApiException(409, 'Conflict')
    self.names.append(name)


def test_a_jobset_is_created_once(monkeypatch):
  cluster = Cluster()
  context = {'context': {'namespace': 'mine'}}
  monkeypatch.setattr(
      kubernetes.config, 'list_kube_config_contexts', lambda: ([], context)
  )
  monkeypatch.setattr(kubernetes.client, 'CustomObjectsApi', lambda: cluster)
  group = asyncio.run(_submit('x'))
  assert cluster.names == ['x'] and group == []
  with pytest.raises(UserError, match='kubectl delete jobset x'):
    asyncio.run(_submit('x'))


async def _submit(name):
  machine = machines.check(Machine('gke', 'l4'))
  worker = workers.Worker('w', ['audiolm', 'train'], {})
  job = xm_units.job(name, [worker], machine, CONTAINER)
  group = xm_units.xm.JobGroup(job=job)
  return await xm_executors.JobSet.launch(None, group)


@pytest.mark.parametrize(
    'machine,message',
    [
        (Machine('gke', 'l4'), 'kubectl knows no cluster'),
        (Machine('vertex', 'l4'), 'gcloud auth'),
    ],
)
def test_no_access_is_told_before_anything_is_made(
    monkeypatch, tmp_path, machine, message
):
  monkeypatch.setenv('HOME', str(tmp_path))
  monkeypatch.setenv('CLOUDSDK_CONFIG', str(tmp_path))
  monkeypatch.setenv('NO_GCE_CHECK', 'true')
  monkeypatch.setattr(
      kubernetes.config.kube_config, 'KUBE_CONFIG_DEFAULT_LOCATION', 'nope'
  )
  with pytest.raises(UserError, match=message):
    xm_units.launch('e', {}, machine, CONTAINER)
