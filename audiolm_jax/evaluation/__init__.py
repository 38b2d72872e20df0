"""Quality of the parts: metrics of arrays and callables, and a report."""
