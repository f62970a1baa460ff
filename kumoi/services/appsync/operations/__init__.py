"""AppSync's control plane."""
