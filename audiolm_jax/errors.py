"""The one error a user can mend."""

import re


class UserError(ValueError):
  """A mistake in an argument, a file or a folder.

  The message is one line: what is wrong, where, and how to mend it. The command
  line prints it without a traceback and exits with code 2. Breaks of lines,
  which names of files may have in them, stand as they would in a program.
  """

  def __init__(self, message: str = ''):
    """Args: the message, in as many lines as may be."""
    super().__init__(_BREAKS.sub(_escaped, message))


# Whatever str.splitlines splits at.
_BREAKS = re.compile('[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]')


def _escaped(found: re.Match[str]) -> str:
  return found[0].encode('unicode_escape').decode()
