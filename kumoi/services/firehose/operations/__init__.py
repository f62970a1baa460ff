"""Firehose's operations."""
