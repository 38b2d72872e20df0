"""Semantic tokens that can be spoken: codes learnt inside of a model."""
