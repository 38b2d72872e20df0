"""Builders of the corpora, prompts and pairs behind the shipped bundles."""
