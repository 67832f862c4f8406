"""Opening files: what a file is, its pictures, its frames by time, its sound."""
