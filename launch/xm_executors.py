"""The executors of XManager, and one that it lacks.

XManager's own for Kubernetes asks for no TPU, knows the node labels of old GPUs
only, and starts nothing again; JobSets do all three.
"""

from collections.abc import Sequence
from typing import Any

import attr
import kubernetes
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


def create(manifest: dict[str, Any]) -> None:
  """Creates a JobSet.

  Raises:
    UserError: There is one of this name already.
  """
  _, context = kubernetes.config.list_kube_config_contexts()
  kubernetes.config.load_kube_config()
  try:
    kubernetes.client.CustomObjectsApi().create_namespaced_custom_object(
        jobset.GROUP,
        jobset.VERSION,
        context['context'].get('namespace', 'default'),
        'jobsets',
        manifest,
    )
  except kubernetes.client.ApiException as error:
    if error.status != 409:
      raise
    name = manifest['metadata']['name']
    raise UserError(
        f'The cluster has a JobSet {name}; to start it again, first: kubectl'
        f' delete jobset {name}'
    ) from error


def vertex(machine: Machine) -> xm_local.Vertex:
  """A machine of Vertex; what it cannot be, `machines.check` has refused."""
  name = _VERTEX_NAMES.get(machine.accelerator, machine.accelerator)
  count = machine.devices_per_process
  return xm_local.Vertex(xm.JobRequirements(**{name: count}))
