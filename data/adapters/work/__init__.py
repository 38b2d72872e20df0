"""What the adapters do; `main` imports it once the flags are read."""
