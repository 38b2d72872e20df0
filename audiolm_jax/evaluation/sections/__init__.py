"""The sections of a report: what is measured, as tables."""
