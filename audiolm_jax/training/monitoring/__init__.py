"""What a run says of itself, and what ends it."""
