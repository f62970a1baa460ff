"""CloudWatch's operations, by what they work on."""
