"""Other people's sound files: decoded block by block, mixed to one channel."""
