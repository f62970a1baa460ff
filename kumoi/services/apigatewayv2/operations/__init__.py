"""The control plane of API Gateway V2, a file per family."""
