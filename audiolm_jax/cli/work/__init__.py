"""What the verbs do; `main` imports it once the flags are read."""
