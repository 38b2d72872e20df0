"""The executors of XManager, and one that it lacks.

XManager's own for Kubernetes asks for no TPU, knows the node labels of old GPUs
only, and starts nothing again; JobSets do all three.
"""

from collections.abc import Sequence
from typing import Any

import attr
import kubernetes
from google import auth
from xmanager import xm, xm_local
from xmanager.xm_local import registry

from audiolm_jax.errors import UserError
from launch import jobset
from launch.machines import Machine

_VERTEX_NAMES = {'l4': 'l4_24th', 'tpu-v2': 'tpu_v2', 'tpu-v3': 'tpu_v3'}


@attr.s(auto_attribs=True)
class JobSet(xm.Executor):
  """Creates a JobSet in the cluster and namespace that kubectl is set to.

  It goes on by itself: `kubectl get jobsets` shows how far it is.
  """

  manifest: dict[str, Any]
  requirements: xm.JobRequirements = attr.Factory(xm.JobRequirements)

  Spec = xm_local.Kubernetes.Spec

  @classmethod
  async def launch(
      cls, local_experiment_unit: Any, job_group: xm.JobGroup
  ) -> Sequence[Any]:
    del local_experiment_unit  # Names come from the experiment.
    jobs = xm.job_operators.flatten_jobs(job_group)
    for job in jobs:
      create(job.executor.manifest)
    return []


registry.register(JobSet, launch=JobSet.launch, create_handle=lambda **_: None)


def check_access(machine: Machine) -> None:
  """Looks for a cluster or credentials, before an experiment is made.

  Raises:
    UserError: There are none.
  """
  try:
    if machine.executor == 'gke':
      kubernetes.config.load_kube_config()
    elif machine.executor == 'vertex':
      auth.default()
  except kubernetes.config.ConfigException as error:
    raise UserError(
        f'kubectl knows no cluster ({error}); first: gcloud container clusters'
        ' get-credentials CLUSTER'
    ) from error
  except auth.exceptions.DefaultCredentialsError as error:
    raise UserError(
        'No credentials of Google Cloud here; first: gcloud auth'
        ' application-default login'
    ) from error


def create(manifest: dict[str, Any]) -> None:
  """Creates a JobSet.

  Raises:
    UserError: The cluster does not take it, or has it already.
  """
  _, context = kubernetes.config.list_kube_config_contexts()
  try:
    kubernetes.client.CustomObjectsApi().create_namespaced_custom_object(
        jobset.GROUP,
        jobset.VERSION,
        context['context'].get('namespace', 'default'),
        'jobsets',
        manifest,
    )
  except kubernetes.client.ApiException as error:
    raise UserError(_refusal(manifest['metadata']['name'], error)) from error


def _refusal(name: str, error: kubernetes.client.ApiException) -> str:
  if error.status == 409:
    return (
        f'The cluster has a JobSet {name} already; to start it again, first:'
        f' kubectl delete jobset {name}'
    )
  if error.status == 404:
    return (
        'The cluster knows no JobSet; an administrator has to install'
        ' https://github.com/kubernetes-sigs/jobset.'
    )
  return f'The cluster refuses {name}: {error.status} {error.reason}.'


def vertex(machine: Machine) -> xm_local.Vertex:
  """A machine of Vertex; what it cannot be, `machines.check` has refused."""
  name = _VERTEX_NAMES.get(machine.accelerator, machine.accelerator)
  count = machine.devices_per_process
  return xm_local.Vertex(xm.JobRequirements(**{name: count}))
