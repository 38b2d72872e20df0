"""The parts that a bundle may have, by name."""

# Parts with a sequence of ids.
STAGES = ('semantic', 'coarse', 'fine', 'acoustic_only')
TOKENIZERS = ('acoustic_tokenizer', 'semantic_tokenizer')
# Parts that predict tokens; any of them may be missing.
PREDICTORS = (*STAGES, 'soundstorm')
PARTS = (*TOKENIZERS, *PREDICTORS, 'classifier')
# Stored in half the room unless told otherwise: no tokens depend on them.
HALVED = (*PREDICTORS, 'classifier')
