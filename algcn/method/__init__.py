"""The method of the paper: configuration, labels, graph, model, losses, the authors' checkpoints."""
