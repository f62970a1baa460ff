"""The API of SQS, one file per family of operations."""
