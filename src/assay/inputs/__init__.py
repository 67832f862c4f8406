"""Cut what a detector sees; training and inference call the same functions."""
