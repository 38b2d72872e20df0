"""Reports of a training run, and the watches that end it."""
