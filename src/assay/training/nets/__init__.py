"""Network architectures, never imported at inference."""
