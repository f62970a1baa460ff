"""Sizes of pages, which Route 53 takes as text; pure."""

from __future__ import annotations

from kumoi.services.route53.errors import invalid_input

PAGE = 100


def size(given: str | int | None, most: int = PAGE) -> int:
    """How many a page has; InvalidInput for what is no number of them."""
    if given is None or given == "":
        return most
    text = str(given)
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) < 1:
        raise invalid_input(f"Invalid MaxItems: '{text}' is not a positive number.")
    return min(int(text), most)
