"""What benchmarks/voices.py is made of: sounds, scores, tables, speed, page."""
