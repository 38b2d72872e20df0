"""Choice of held-out clips: by their names alone, and never none."""

import collections
import unicodedata
import zlib
from collections.abc import Iterable, Mapping

SPLITS = ('train', 'dev', 'test')


def split_of(key: str, hold_out_every: int) -> str:
  """One key in `hold_out_every` is test, another dev; 0 holds nothing out."""
  if not hold_out_every:
    return 'train'
  return {0: 'test', 1: 'dev'}.get(_number(key) % hold_out_every, 'train')


def assign(
    keys: Iterable[str], hold_out_every: int, splits: tuple[str, ...] = SPLITS
) -> dict[str, str]:
  """Splits keys so that no split is empty, as long as there are keys.

  A key's split is that of `split_of`, except where a split would be empty: then
  the key with the least number is taken from the largest split.

  Args:
    keys: Names of what must not be torn apart: speakers, tunes, files.
    hold_out_every: One key in this many is test, another dev; 0: all is train.
    splits: Splits to fill, 'train' first; a key of any other one is 'train'.

  Returns:
    The split of each key.
  """
  ordered = sorted(set(keys), key=lambda key: (_number(key), key))
  found = {key: split_of(key, hold_out_every) for key in ordered}
  found = {key: s if s in splits else 'train' for key, s in found.items()}
  wanted = splits[: len(ordered)] if hold_out_every else ()
  for split in wanted:
    counts = collections.Counter(found.values())
    if split not in counts:
      donor = max(counts, key=lambda s: (s not in wanted, counts[s]))
      found[next(key for key in ordered if found[key] == donor)] = split
  return found


def by_speaker(
    speakers: Mapping[str, str | None], hold_out_every: int
) -> dict[str, str]:
  """Splits files, all of a speaker alike.

  Args:
    speakers: Speaker of each file, by the file's name; None: a speaker of its
      own. Where all is by one speaker, files are split.
    hold_out_every: One speaker, or file, in this many is test, another dev; 0:
      all is train.

  Returns:
    The split of each name.
  """
  alone = len(set(speakers.values())) == 1
  keys = {
      name: name if alone or not speaker else speaker
      for name, speaker in speakers.items()
  }
  splits = assign(keys.values(), hold_out_every)
  return {name: splits[key] for name, key in keys.items()}


def _number(key: str) -> int:
  # macOS takes letters and their accents apart.
  key = unicodedata.normalize('NFC', key)
  return zlib.crc32(key.encode(errors='surrogateescape'))
