"""Public models rebuilt in Flax, their weights read from Hugging Face's."""
