"""A local page, and its HTTP twin, on which one hears the models."""
