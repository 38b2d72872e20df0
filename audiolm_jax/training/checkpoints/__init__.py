"""Checkpoints: saved, checked, kept and loaded again."""
