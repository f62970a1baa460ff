"""The control plane of Elastic Load Balancing, a file per family."""
