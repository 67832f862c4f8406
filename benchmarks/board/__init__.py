"""Parts of `benchmarks/leaderboard.py`."""
