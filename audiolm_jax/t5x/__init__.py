"""Stages that t5x's own trainer trains, and their way back (docs/t5x.md)."""
