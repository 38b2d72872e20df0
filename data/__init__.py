"""Adapters and builders of corpora; data/README.md has a table of both."""
