"""Training: the loop and its steps, processes, checkpoints, what it starts from."""
