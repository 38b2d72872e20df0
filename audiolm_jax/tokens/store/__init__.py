"""The token store: what was heard of a corpus, on disk."""
