"""Measured things: clips, models, and what they make of each other."""
