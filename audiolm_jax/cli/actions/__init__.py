"""The actions of the verbs; `main` of a verb imports its own late."""
