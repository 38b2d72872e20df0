"""Types that weights may be kept in while sampling, by `matrices.keep`."""

# 'full' is the type that the model computes in.
TYPES = ('full', 'bfloat16', 'int8')
