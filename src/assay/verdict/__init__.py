"""From evidence to an answer: run, calibrate, fuse, stability, gate, decide."""
