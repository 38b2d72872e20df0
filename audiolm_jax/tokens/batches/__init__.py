"""A token store as endless batches: of sequences, or of windows of frames."""
