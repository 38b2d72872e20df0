"""w2v-BERT: waveform to semantic features and ids (arXiv 2108.06209)."""
