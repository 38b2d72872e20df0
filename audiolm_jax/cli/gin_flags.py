"""Flags that set what Gin files leave open, as t5x has them."""


def rewrite(argv: list[str]) -> list[str]:
  """Turns t5x's `--gin.NAME=VALUE` into `--gin_bindings=NAME=VALUE`."""
  return [
      arg.replace('--gin.', '--gin_bindings=', 1)
      if arg.startswith('--gin.')
      else arg
      for arg in argv
  ]
