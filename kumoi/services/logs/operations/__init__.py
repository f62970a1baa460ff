"""CloudWatch Logs' API, one file per family of operations."""
