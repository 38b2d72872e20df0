"""Activations by the names that configs give them."""

import functools

from flax import linen as nn
from jax import nn as functions

_tanh_gelu = functools.partial(nn.gelu, approximate=True)
ACTIVATIONS = {
    # Flax takes the tanh approximation unless told otherwise, torch does not.
    'gelu': functools.partial(nn.gelu, approximate=False),
    'gelu_new': _tanh_gelu,
    'gelu_fast': _tanh_gelu,
    'gelu_pytorch_tanh': _tanh_gelu,
    'relu': nn.relu,
    'selu': functions.selu,
    'silu': nn.silu,
    'swish': nn.silu,
}
