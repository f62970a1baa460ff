"""Pages of lists that are sorted by one text; pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from kumoi.services.application_autoscaling.errors import invalid
from kumoi.services.application_autoscaling.records import Policy, ScheduledAction
from kumoi.wire.errors import aws_error

ItemT = TypeVar("ItemT")
NamedT = TypeVar("NamedT", Policy, ScheduledAction)
_PAGE = 50


def page(
    items: Iterable[ItemT], order: Callable[[ItemT], str], token: str | None, limit: int | None
) -> tuple[list[ItemT], dict[str, Any]]:
    """One page of items in their order, and the NextToken member where more follow."""
    after = None if token is None else _read(token)
    left = sorted((one for one in items if after is None or order(one) > after), key=order)
    found = left[: min(limit or _PAGE, _PAGE)]
    if len(found) == len(left):
        return found, {}
    return found, {"NextToken": base64.b64encode(order(found[-1]).encode()).decode()}


def chosen(
    items: Iterable[NamedT],
    names: Sequence[str] | None,
    resource: str | None,
    dimension: str | None,
    token: str | None,
    limit: int | None,
) -> tuple[list[NamedT], dict[str, Any]]:
    """A page of policies or actions: of a resource, of a dimension of it, or some by name; ValidationException."""
    if dimension is not None and resource is None:
        raise invalid("A resource ID is required where a scalable dimension is given")
    found = (
        one
        for one in items
        if (not names or one.name in names) and resource in (None, one.resource) and dimension in (None, one.dimension)
    )
    return page(found, lambda one: f"{one.resource}|{one.dimension}|{one.name}", token, limit)


def _read(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise aws_error("InvalidNextTokenException", "The next token is not valid.") from None
