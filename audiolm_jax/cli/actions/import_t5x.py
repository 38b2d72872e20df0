"""Takes over a stage that t5x trained, as the flags of `audiolm import` say."""

import time

from absl import flags

from audiolm_jax import files
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.t5x import part

_CARD = """# {name}

The {stage} stage that t5x trained in {checkpoint}. A part for `audiolm bundle`.
"""


def main(values: flags.FlagValues) -> None:
  folder = files.writable(values.output_dir)
  start = time.monotonic()
  stage, made = part.read(values.checkpoint)
  bundle = Bundle({stage: made}, str(folder))
  card = _CARD.format(
      name=folder.name, stage=stage, checkpoint=values.checkpoint
  )
  # As exact as the checkpoint; `audiolm bundle` takes half the room later.
  bundle.save(folder, card, float16=())
  model = bundle.language_model(stage).model
  seconds = time.monotonic() - start
  size = f'{model.num_layers} layers of width {model.embed_dim}'
  print(
      f'Wrote {folder} in {seconds:.1f} s: {stage}, {size},'
      f' {model.vocab_size} ids; now bundle it with the parts whose tokens it'
      ' learnt.'
  )
