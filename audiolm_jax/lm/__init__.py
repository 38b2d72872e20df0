"""From ids to ids: the Transformer, its training, its sampler."""
