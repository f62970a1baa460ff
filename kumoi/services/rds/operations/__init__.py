"""RDS' operations, by what they work on."""
