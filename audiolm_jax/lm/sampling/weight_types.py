"""How weights may be kept while sampling; `matrices.keep` does it."""

# 'full' is the type that the model computes in.
TYPES = ('full', 'bfloat16', 'int8')
