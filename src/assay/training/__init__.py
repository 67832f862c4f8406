"""Training: data sets, forgeries, networks, the loop, export (needs the `train` extra)."""
