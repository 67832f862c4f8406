"""Forgeries made from genuine faces, each with the mask of what was changed."""
