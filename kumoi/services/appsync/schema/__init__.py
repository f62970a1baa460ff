"""Schemas: read, checked, and kept compiled."""


class BadSchema(Exception):
    """The definition is no schema; the text says why."""
