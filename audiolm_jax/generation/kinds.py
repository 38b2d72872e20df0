"""Names of what makes the sound of semantic tokens."""

AUTOREGRESSIVE = 'autoregressive'
PARALLEL = 'parallel'
ACOUSTIC_ONLY = 'acoustic_only'
KINDS = (AUTOREGRESSIVE, PARALLEL, ACOUSTIC_ONLY)
