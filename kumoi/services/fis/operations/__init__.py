"""FIS's API, one file per family of operations."""
