"""What the service remembers: rows in SQLite or PostgreSQL, media and results as files."""
