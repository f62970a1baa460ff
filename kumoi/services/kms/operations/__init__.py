"""KMS's operations."""
