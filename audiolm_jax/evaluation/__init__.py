"""How good the parts are: metrics of arrays and callables, and a report."""
