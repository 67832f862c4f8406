"""The web page: each module with a `router` is part of it; server-rendered, one script."""
