"""Models that stand in for a listener."""
