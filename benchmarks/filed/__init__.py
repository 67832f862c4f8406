"""The parts of benchmarks/forensics.py: files at hand, reading them, counting, and the page."""
