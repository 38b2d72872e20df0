"""Prompts in, continuations out: the models of a bundle, one after another."""
