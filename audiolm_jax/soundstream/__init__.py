"""SoundStream: waveform to residual codes and back (arXiv 2107.03312)."""
