"""The command line: one absl main a verb; the only place that imports gin."""
