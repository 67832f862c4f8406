"""Evaluation: metrics and protocols (needs the `train` extra)."""
