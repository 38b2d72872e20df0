"""The page of a bundle on the Hugging Face hub: a header and its model card."""

import re

# Names of licences in manifests, and the hub's.
_LICENCES = {
    name: name.lower()
    for name in (
        'Apache-2.0',
        'BSD-3-Clause',
        'CC0-1.0',
        'CC-BY-3.0',
        'CC-BY-4.0',
        'CC-BY-NC-4.0',
        'CC-BY-NC-SA-4.0',
        'CC-BY-SA-3.0',
        'CC-BY-SA-4.0',
        'GPL-3.0',
        'MIT',
    )
}
_HEADER = """---
library_name: audiolm_jax
{licence}
tags:
- audio
- {task}
- audiolm
- jax
---

"""
# The hub knows one licence a page; the card says all of them.
_SEVERAL = """license: other
license_name: see-model-card
license_link: MODEL_CARD.md"""


def page(card: str, address: str, detects: bool) -> str:
  """README.md of a repository.

  Args:
    card: MODEL_CARD.md, as `audiolm bundle` writes it or as anybody does.
    address: hf://ORG/NAME, which stands in the card's commands for the folder.
    detects: Whether the bundle has a classifier and generates nothing.

  Returns:
    Markdown, behind a header in YAML. It says the licence of what the model
    heard if all of that has one licence, else it refers to the card.
  """
  found = licence(card)
  task = 'audio-classification' if detects else 'audio-generation'
  header = _HEADER.format(
      licence=f'license: {found}' if found else _SEVERAL, task=task
  )
  return header + card.replace('--model=FOLDER', f'--model={address}')


def licence(card: str) -> str | None:
  """The one licence, by the hub's name, of all that a card lists as heard.

  None if there are several, one that the hub does not know, or none.
  """
  _, _, heard = card.partition('## What it heard\n')
  found = {
      _licence(line) for line in heard.partition('\n## ')[0].splitlines()[3:]
  }
  return found.pop() if len(found) == 1 else None


def _licence(line: str) -> str | None:
  """The licence in a row of the table: | source | licence | clips | hours |."""
  cells = re.split(r'(?<!\\)\|', line)
  words = cells[2].split() if len(cells) > 2 else []
  # `CC-BY-3.0 Somebody`, but not `CC-BY-3.0 Somebody; GPL-2 (samples)`.
  alone = words and not re.search(r'[;,+|]|\band\b|\bor\b', cells[2])
  return _LICENCES.get(words[0]) if alone else None
