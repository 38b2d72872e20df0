"""Kinds of task of `audiolm generate`."""

CONTINUATION = 'continuation'
ACOUSTIC_GENERATION = 'acoustic_generation'
UNCONDITIONAL = 'unconditional'
MODES = (CONTINUATION, ACOUSTIC_GENERATION, UNCONDITIONAL)
