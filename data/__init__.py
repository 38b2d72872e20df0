"""Corpora: one command each turns a source into a manifest of audio."""
