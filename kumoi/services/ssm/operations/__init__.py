"""Parameter Store's operations."""
