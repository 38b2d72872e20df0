"""The readers of the adapters; `main` of an adapter imports its own late."""
