"""Trains a small language model on a token store, alone or with others.

`pod.py STORE MODEL_DIR MODEL_AXIS DEVICES [PROCESS NUM_PROCESSES PORT]`:
each process has so many devices, and reads its own rows of every batch.
"""

import sys

import jax

from audiolm_jax.lm.train_step import LanguageModelTrainStep
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.batches import sequences
from audiolm_jax.tokens.store import store
from audiolm_jax.training import distributed, optimizers
from audiolm_jax.training.loop import train
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)

NUM_STEPS = 20
BATCH_SIZE = 8


class Rows:
  """One shard of the same global batches, whatever the number of shards.

  Random crops would not do: they are drawn by each shard for itself.
  """

  def __init__(self, token_dir, stage, **shard):
    batches = sequences.evaluation_batches(
        token_dir, stage, 'train', 0.8, BATCH_SIZE, **shard
    )
    self.batches = list(batches)
    self.position = 0

  def __next__(self):
    self.position += 1
    return self.batches[self.position % len(self.batches)]

  def get_state(self):
    return {'position': self.position}

  def set_state(self, state):
    self.position = state['position']


def train_step(stage):
  model = Transformer(
      vocab_size=stages.vocab_size(stage),
      num_layers=2,
      embed_dim=32,
      num_heads=4,
      head_dim=8,
      mlp_dim=64,
      dropout_rate=0.1,
  )
  tx = optimizers.adafactor(0.03)
  return LanguageModelTrainStep(model, tx, num_microbatches=2)


def main(token_dir, model_dir, model_axis, num_devices, *pod):
  jax.config.update('jax_num_cpu_devices', int(num_devices))
  if pod:
    process, num_processes, port = map(int, pod)
    jax.config.update('jax_cpu_collectives_implementation', 'gloo')
    distributed.join(f'127.0.0.1:{port}', num_processes, process)
  stage = stages.coarse(store.sizes(token_dir), 2)
  fsdp = int(model_axis) > 1
  train(
      train_step(stage),
      lambda **shard: Rows(token_dir, stage, **shard),
      model_dir,
      NUM_STEPS,
      partitioner=Partitioner(
          make_mesh(model=int(model_axis)), standard_logical_axis_rules(fsdp)
      ),
      log_every=1,
      save_every=NUM_STEPS,
  )


if __name__ == '__main__':
  main(*sys.argv[1:])
