"""An open, complete AudioLM in JAX: audio in, a continuation of it out."""

__version__ = '0.1.0'
