"""The S3 API, one file per family of operations."""
