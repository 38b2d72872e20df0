"""A run as a JobSet of Kubernetes: one job, an indexed pod for each host.

launch/gke.yaml is what this makes of an example, with comments.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from launch.machines import GKE_GPUS, GKE_TPUS, Machine
from launch.workers import Worker

VERSION = 'v1alpha2'
GROUP = 'jobset.x-k8s.io'

_INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"


class Container(NamedTuple):
  """The image and the shared storage of a pod.

  Attributes:
    image: Has `audiolm` on its PATH.
    claim: PersistentVolumeClaim that all pods can write to; none if empty.
    path: Path that the claim is mounted at.
  """

  image: str
  claim: str = ''
  path: str = ''


def manifest(
    name: str, group: Sequence[Worker], machine: Machine, container: Container
) -> dict[str, Any]:
  """The manifest of a JobSet, for `kubectl create`.

  Args:
    name: Name of the JobSet, as `workers.job_name` makes it.
    group: The workers of one run; all pods get the command of the first, with
      their own number for process 0's.
    machine: With executor 'gke'.
    container: Image and shared storage of the pods.
  """
  job = {
      'parallelism': machine.num_processes,
      'completions': machine.num_processes,
      # A pod that fails ends the job; what follows is for the JobSet to say.
      'backoffLimit': 0,
      'podFailurePolicy': {'rules': _pod_rules()},
      'template': {'spec': _pod(group[0], machine, container)},
  }
  return {
      'apiVersion': f'{GROUP}/{VERSION}',
      'kind': 'JobSet',
      'metadata': {'name': name},
      'spec': {
          'failurePolicy': {
              'maxRestarts': 3,
              'rules': [
                  {
                      'name': 'mistake',
                      'action': 'FailJobSet',
                      'onJobFailureReasons': ['PodFailurePolicy'],
                  }
              ],
          },
          'replicatedJobs': [
              {'name': 'workers', 'replicas': 1, 'template': {'spec': job}}
          ],
      },
  }


def _pod_rules() -> list[dict[str, Any]]:
  """By exit code of `audiolm train`; the first rule that fits counts."""
  code = {'containerName': 'train', 'operator': 'In'}
  return [
      # A mistake of the user stays one.
      {'action': 'FailJob', 'onExitCodes': {**code, 'values': [2]}},
      # Stopped to go on, or the machine was taken away: a new pod, for nothing.
      {'action': 'Ignore', 'onExitCodes': {**code, 'values': [75]}},
      {
          'action': 'Ignore',
          'onPodConditions': [{'type': 'DisruptionTarget', 'status': 'True'}],
      },
  ]


def _pod(
    worker: Worker, machine: Machine, container: Container
) -> dict[str, Any]:
  environment = [
      {'name': name, 'value': value}
      for name, value in worker.environment.items()
  ]
  environment.append(
      {'name': 'PROCESS_ID', 'valueFrom': {'fieldRef': {'fieldPath': _INDEX}}}
  )
  train = {
      'name': 'train',
      'image': container.image,
      'command': [_any_process(word) for word in worker.command],
      'env': environment,
      'resources': {
          'limits': {_resource(machine): machine.devices_per_process}
      },
  }
  pod = {
      'restartPolicy': 'Never',
      # From SIGTERM on, for the last checkpoint.
      'terminationGracePeriodSeconds': 300,
      'nodeSelector': _node_selector(machine),
      'containers': [train],
  }
  if container.claim:
    train['volumeMounts'] = [{'name': 'shared', 'mountPath': container.path}]
    claim = {'claimName': container.claim}
    pod['volumes'] = [{'name': 'shared', 'persistentVolumeClaim': claim}]
  return pod


def _any_process(word: str) -> str:
  """Kubernetes puts the pod's number in; `$` of one's own would be doubled."""
  if word.startswith('--process_id='):
    return '--process_id=$(PROCESS_ID)'
  return word.replace('$(', '$$(')


def _resource(machine: Machine) -> str:
  return 'google.com/tpu' if machine.is_tpu else 'nvidia.com/gpu'


def _node_selector(machine: Machine) -> dict[str, str]:
  label = 'cloud.google.com/gke-'
  if machine.is_tpu:
    return {
        f'{label}tpu-accelerator': GKE_TPUS[machine.accelerator],
        f'{label}tpu-topology': machine.topology,
    }
  return {f'{label}accelerator': GKE_GPUS[machine.accelerator]}
