"""Training for any model: state, optimizer, partitioning, checkpoints, loop."""
