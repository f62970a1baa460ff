"""Kinesis' API, one file per family of operations."""
