"""CloudFront Functions: their JavaScript surface, their events, and how their answers are read."""
