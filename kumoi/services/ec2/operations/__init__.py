"""EC2's operations."""
