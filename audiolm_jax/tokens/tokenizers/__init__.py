"""Waveforms to tokens and back: the contract, and the models that keep it."""
