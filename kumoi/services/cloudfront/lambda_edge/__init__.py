"""Lambda@Edge: which functions may run at the edge, their events, and how their answers are read."""
