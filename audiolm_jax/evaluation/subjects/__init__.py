"""What is measured: clips, models, and what they make of each other."""
