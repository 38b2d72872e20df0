"""Audio that a user has, as a manifest: `audiolm corpus ADAPTER`."""
