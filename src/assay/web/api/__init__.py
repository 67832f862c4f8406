"""The HTTP API: each module with a `router` is part of it; what it answers is under /v1."""
