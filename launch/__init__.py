"""Starting training runs on other machines than one's own, and on it."""
