"""Sampling from a Transformer, step by step over a cache."""
