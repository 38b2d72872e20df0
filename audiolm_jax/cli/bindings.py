"""The check that some Gin file reads each macro of the command line."""

import difflib
import re
from collections.abc import Iterable

import gin

from audiolm_jax.errors import UserError

_MACRO = re.compile(r'\s*([A-Za-z_]\w*)\s*=')


def check_read(bindings: Iterable[str]) -> None:
  """Refuses macros that no Gin file reads, which would change nothing.

  Args:
    bindings: Bindings of the command line, `NAME = VALUE`; Gin itself refuses
      parameters that do not exist.

  Raises:
    UserError: A macro is not read; the message has the nearest that is.
  """
  read = set(re.findall(r'%(\w+)', gin.config_str()))
  for binding in bindings:
    found = _MACRO.match(binding)
    if found and found[1] not in read:
      near = difflib.get_close_matches(found[1], read, 1, 0.4)
      meant = f'did you mean {near[0]}?' if near else 'nothing is near it.'
      raise UserError(
          f'No Gin file reads {found[1]}, so that {binding.strip()!r} changes'
          f' nothing; {meant} They read {", ".join(sorted(read))}.'
      )
