"""Readers of labelled media."""
