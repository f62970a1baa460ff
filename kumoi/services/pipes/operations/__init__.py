"""Pipes' operations, by what they work on."""
