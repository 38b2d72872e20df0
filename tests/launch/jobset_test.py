"""Tests launch/jobset.py and its example, launch/gke.yaml."""

import pathlib

import yaml

from launch import jobset, machines, sweeps, workers
from launch.experiments import Experiment
from launch.jobset import Container
from launch.machines import Machine

TEMPLATE = pathlib.Path(__file__).parents[2] / 'launch/gke.yaml'


def make(machine, *volume):
  experiment = Experiment(
      'runs', '/shared', ('gin/semantic.gin',), ("TOKENS='/shared/tokens'",)
  )
  machine = machines.check(machine)
  group = workers.workers(experiment, sweeps.Unit('semantic', ()), machine)
  container = Container('REGISTRY/audiolm_jax', *volume)
  return jobset.manifest('semantic', group, machine, container)


def pod(manifest):
  [job] = manifest['spec']['replicatedJobs']
  return job['template']['spec']['template']['spec']


def test_the_template_is_what_is_made_of_its_example():
  machine = Machine('gke', 'tpu-v4', topology='2x2x4')
  made = make(machine, 'shared', '/shared')
  assert yaml.safe_load(TEMPLATE.read_text()) == made


def test_pods_of_gpu_nodes_know_their_numbers():
  made = pod(make(Machine('gke', 'h100', 2, 8)))
  [container] = made['containers']
  assert '--process_id=$(PROCESS_ID)' in container['command']
  assert container['resources'] == {'limits': {'nvidia.com/gpu': 8}}
  assert made['nodeSelector'] == {
      'cloud.google.com/gke-accelerator': 'nvidia-h100-80gb'
  }


def test_kubernetes_puts_in_nothing_of_its_own():
  machine = machines.check(Machine('gke', 'l4'))
  worker = workers.Worker('w', ['audiolm', "--gin_bindings=A='$(B)'"], {})
  made = jobset.manifest('x', [worker], machine, Container('image'))
  [container] = pod(made)['containers']
  assert container['command'][1] == "--gin_bindings=A='$$(B)'"


def test_only_a_mistake_ends_a_jobset_at_once():
  [job] = make(Machine('gke', 'l4'))['spec']['replicatedJobs']
  rules = job['template']['spec']['podFailurePolicy']['rules']
  actions = {
      code: rule['action']
      for rule in rules
      for code in rule.get('onExitCodes', {}).get('values', ())
  }
  assert actions == {2: 'FailJob', 75: 'Ignore'}
