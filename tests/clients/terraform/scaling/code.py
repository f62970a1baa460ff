"""A function that pays."""


def handler(_event: object, _context: object) -> str:
    """Pay."""
    return "paid"
