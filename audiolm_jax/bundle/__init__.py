"""A model one can hand over: its parts, and the folder that holds them."""
