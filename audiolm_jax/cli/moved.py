"""New names of modules that Gin files of an earlier version name."""

import re

_PACKAGE = 'audiolm_jax'
_MOVED = {
    'acoustics': 'generation.acoustics',
    'attention': 'nn.attention',
    'bundle': 'bundle.bundle',
    'bundle_files': 'bundle.folder',
    'chain': 'generation.chain',
    'conformer': 'nn.conformer',
    'draft': 'generation.canvas',
    'generate': 'generation.audiolm',
    'generation.draft': 'generation.canvas',
    'lm.decoder': 'lm.sampling.network',
    'lm.drawing': 'lm.sampling.loop',
    'lm.language_model': 'lm.train_step',
    'lm.matrices': 'lm.sampling.matrices',
    'lm.sampler': 'lm.sampling.sampler',
    'lm.sampling': 'lm.sampling.methods',
    'parts': 'bundle.parts',
    'pretrained.lstm': 'nn.lstm',
    'rotary': 'nn.rotary',
    'spectral': 'nn.spectral',
    'stage_sampler': 'generation.stage_sampler',
    'stored': 'bundle.stored',
    'token_generator': 'generation.tokens',
    'tokens.blank': 'tokens.batches.blank',
    'tokens.extraction': 'tokens.extraction.pipeline',
    'tokens.extraction_progress': 'tokens.extraction.watch',
    'tokens.extraction_shards': 'tokens.extraction.shards',
    'tokens.extraction_transforms': 'tokens.extraction.transforms',
    'tokens.resampled': 'tokens.tokenizers.resampled',
    'tokens.store': 'tokens.store.store',
    'tokens.store_records': 'tokens.store.records',
    'tokens.stream_decoder': 'tokens.tokenizers.stream_decoder',
    'tokens.tasks': 'tokens.batches.sequences',
    'tokens.tasks_batches': 'tokens.batches.iterator',
    'tokens.tasks_converter': 'tokens.batches.converter',
    'tokens.tasks_crops': 'tokens.batches.crops_task',
    'tokens.tasks_frames': 'tokens.batches.windows',
    'tokens.tasks_rounds': 'tokens.batches.rounds',
    'tokens.tokenizers': 'tokens.tokenizers.contract',
    'tokens.trained_tokenizers': 'tokens.tokenizers',
    'tokens.windows': 'tokens.tokenizers.windows',
    'training.checkpoints': 'training.checkpoints.checkpoints',
    'training.checksums': 'training.checkpoints.checksums',
    'training.digests': 'training.checkpoints.digests',
    'training.dry_run': 'training.planning.dry_run',
    'training.dry_run_report': 'training.planning.report',
    'training.fallback': 'training.checkpoints.fallback',
    'training.keeping': 'training.checkpoints.keeping',
    'training.loading': 'training.checkpoints.loading',
    'training.progress': 'training.monitoring.progress',
    'training.stopping': 'training.monitoring.stopping',
    'training.summaries': 'training.monitoring.summaries',
    'training.throughput': 'training.monitoring.throughput',
    'training.trees': 'training.checkpoints.trees',
    'training.watchdog': 'training.monitoring.watchdog',
    'w2v_bert.clustering': 'nn.clustering',
    'w2v_bert.kmeans': 'nn.kmeans',
}


def hint(message: str) -> str | None:
  """Returns the new name of a module that Gin did not find what it sought in.

  Args:
    message: Message of Gin, which quotes the module.
  """
  for name in re.findall(rf"'{_PACKAGE}\.([\w.]+)'", message):
    if name in _MOVED:
      return f'{_PACKAGE}.{name} is {_PACKAGE}.{_MOVED[name]} now'
  return None
