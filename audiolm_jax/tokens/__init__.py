"""From waveforms to what a language-model stage reads."""
