"""X-Ray's operations."""
