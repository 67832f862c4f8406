"""What the networks of a training run make of generators and sources that they never saw."""
