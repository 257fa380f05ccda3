"""What a reviewer runs: offline checks of a bundle, and recomputation of every number from the raw answers."""
