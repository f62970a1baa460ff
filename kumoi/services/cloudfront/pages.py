"""Lists as CloudFront answers them: by Marker and MaxItems, with a Quantity, and without Items where there are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kumoi.services.cloudfront.errors import invalid

RecordT = TypeVar("RecordT")

PAGE = 100


def page(
    found: Sequence[RecordT],
    key: Callable[[RecordT], str],
    told: Callable[[RecordT], Any],
    marker: str | None,
    most: str | int | None,
    *,
    full: bool = True,
) -> dict[str, Any]:
    """One page; `full` lists also tell the marker they began at and whether more follows.

    The marker is the key of the last record of the page before. A marker that is no key any more begins at the front.
    """
    limit = size(most)
    keys = [key(one) for one in found]
    begin = keys.index(marker) + 1 if marker and marker in keys else 0
    shown = found[begin : begin + limit]
    more = begin + limit < len(found)
    answer: dict[str, Any] = {"MaxItems": limit, "Quantity": len(shown)}
    if full:
        answer |= {"Marker": marker or "", "IsTruncated": more}
    if more:
        answer["NextMarker"] = key(shown[-1])
    if shown:
        answer["Items"] = [told(one) for one in shown]
    return answer


def size(most: str | int | None) -> int:
    """The size of a page; raises InvalidArgument."""
    if most is None or most == "":
        return PAGE
    text = str(most)
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= 1000:
        raise invalid("The parameter MaxItems is invalid: it is a number from 1 to 1000.")
    return min(int(text), PAGE)
