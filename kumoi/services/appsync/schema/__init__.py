"""Schemas: read, checked, and kept compiled."""
