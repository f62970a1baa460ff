"""The data plane: from a viewer's request to an answer, through caches that stand in simulated POPs."""
