"""Training: the loop and its steps, processes, checkpoints, and what a run starts from."""
