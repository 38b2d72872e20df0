"""Audio to a token store, on this machine or on many; it can be killed.

Clips are dealt out to shards by the manifest alone. A shard appears on disk
whole, with a summary beside it, so that a run started again only does what is
missing, and the store is the same whoever makes it. store.json comes last.
"""

import functools
import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from etils import epath

from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.extraction import local
from audiolm_jax.tokens.extraction.shards import (
    Shard,
    deal,
    is_complete,
    read_summary,
)
from audiolm_jax.tokens.store import store
from audiolm_jax.tokens.store.shards import Written, read_json, write_json
from audiolm_jax.tokens.tokenizers.contract import Tokenizers

log = logging.getLogger(__name__)

_PLAN = 'extraction.json'


class Report(NamedTuple):
  """The outcome of an extraction.

  Attributes:
    num_clips: Clips in the store.
    seconds: Their length.
    failures: Path and reason of each clip that could not be read.
  """

  num_clips: int
  seconds: float
  failures: list[tuple[str, str]]


def extract(
    clips: Sequence[Clip],
    make_tokenizers: Callable[[], Tokenizers],
    output_dir: str,
    num_shards: int | None = None,
    batch_size: int = 16,
    beam_options: Sequence[str] = (),
) -> Report:
  """Writes the tokens of clips into a store, going on where a run was killed.

  Args:
    clips: Clips to tokenize, each path once.
    make_tokenizers: Called here, and by every worker of Beam.
    output_dir: Folder of the store, local or of a cloud's bucket.
    num_shards: Files a split; by default one for ten minutes of audio. At least
      as many as hosts will read them.
    batch_size: Clips that are tokenized together.
    beam_options: Options of Beam as on a command line, e.g.
      '--runner=DataflowRunner'; without any this process does it all, and Beam
      is not imported.

  Raises:
    UserError: No clip can be read, output_dir was begun with other clips or
      tokenizers, or an option is none of Beam's.
  """
  run_on_beam = _on_beam(beam_options) if beam_options else None
  shards = deal(clips, output_dir, num_shards)
  tokenizers = make_tokenizers()
  _begin(output_dir, shards, tokenizers)
  todo = [shard for shard in shards if not is_complete(shard)]
  log.info('%d of %d shards are to do.', len(todo), len(shards))
  for shard in todo:
    # It is damaged, or not all clips are in it.
    epath.Path(shard.path).unlink(missing_ok=True)
  if todo and run_on_beam:
    run_on_beam(todo, make_tokenizers, tokenizers.sample_rate, batch_size)
  elif todo:
    local.run(todo, tokenizers, batch_size)
  return _finish(output_dir, shards, tokenizers)


def _on_beam(options: Sequence[str]) -> Callable[..., None]:
  """A pipeline with these options, which are looked at at once."""
  # Beam takes seconds and half a gigabyte to import.
  from audiolm_jax.tokens.extraction import distributed
  from audiolm_jax.tokens.extraction import options as beam_options

  parsed = beam_options.parse(options)
  return functools.partial(distributed.run, options=parsed)


def _begin(
    output_dir: str, shards: Sequence[Shard], tokenizers: Tokenizers
) -> None:
  """Notes what the store is made of, or checks that it is still the same."""
  clips = [
      [os.path.basename(shard.path), [source.id for source in shard.sources]]
      for shard in shards
  ]
  plan = {
      'clips': hashlib.sha256(json.dumps(clips).encode()).hexdigest()[:12],
      'num_shards': len(shards),
      'sample_rate': tokenizers.sample_rate,
      'tokenizers': store.describe(tokenizers),
      'semantic_speeds': list(tokenizers.semantic_speeds) or None,
  }
  path = os.path.join(output_dir, _PLAN)
  try:
    epath.Path(output_dir).mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise UserError(
        f'Cannot write to {output_dir} ({error.strerror or error}); choose'
        ' another folder.'
    ) from error
  if not epath.Path(path).exists():
    write_json(path, plan)
    return
  begun = read_json(path)
  differing = [name for name in plan if plan[name] != begun.get(name)]
  if differing:
    name = differing[-1]
    raise UserError(
        f'{output_dir} was begun with other {name}: {begun.get(name)}, now'
        f' {plan[name]}; use another folder, or delete this one.'
    )


def _finish(
    output_dir: str, shards: Sequence[Shard], tokenizers: Tokenizers
) -> Report:
  splits: dict[str, dict[str, Any]] = {}
  files: dict[str, dict[str, Any]] = {}
  failures = []
  for shard in shards:
    summary = read_summary(shard)
    split = splits.setdefault(shard.split, {'clips': 0, 'seconds': 0.0})
    split['clips'] += summary['clips']
    split['seconds'] += summary['seconds']
    files[os.path.basename(shard.path)] = {
        name: summary[name] for name in Written._fields if name in summary
    }
    failures += [tuple(failure) for failure in summary['failures']]
  num_clips = sum(split['clips'] for split in splits.values())
  if not num_clips:
    raise UserError(f'No clip could be read; the first: {failures[0][1]}')
  metadata = store.Metadata(
      tokenizers.sample_rate,
      store.describe(tokenizers),
      {name: split for name, split in splits.items() if split['clips']},
      files,
  )
  store.write_metadata(output_dir, metadata)
  for path in epath.Path(output_dir).glob('*.tmp-*'):
    path.unlink()
  seconds = sum(split['seconds'] for split in splits.values())
  return Report(num_clips, seconds, failures)
