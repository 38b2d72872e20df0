"""The one error a user can mend."""


class UserError(ValueError):
  """A mistake in an argument, a file or a folder.

  The message is one line: what is wrong, where, and how to mend it. The command
  line prints it without a traceback and exits with code 2.
  """
