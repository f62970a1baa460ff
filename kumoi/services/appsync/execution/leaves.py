"""Values of leaves as clients get them: as lenient as AppSync is, so that "5" and 5.0 are an Int.

Source: the coercions of graphql-java, which AppSync runs on; "Scalar types in GraphQL" of the developer guide.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from graphql import GraphQLEnumType, GraphQLScalarType

from kumoi.services.appsync.schema.scalars import written
from kumoi.vtl import VtlError
from kumoi.vtl.values import text_of

_MOST = 5 * 1024 * 1024
_KINDS = {bool: "Boolean", int: "Integer", float: "Double", str: "String", list: "ArrayList", dict: "LinkedHashMap"}


class Leaf(NamedTuple):
    """How a leaf is written; values of exactly the type `exact` stay what they are. `write` raises ValueError."""

    write: Callable[[Any], Any]
    exact: type | None


def leaf(type_: GraphQLScalarType | GraphQLEnumType) -> Leaf:
    """How values of a scalar or an enumeration are written."""
    if isinstance(type_, GraphQLEnumType):
        return Leaf(partial(_enumerated, type_.name, frozenset(type_.values)), None)
    return _LEAVES.get(type_.name) or Leaf(partial(written, type_.name), None)


def _unfit(name: str, value: Any) -> ValueError:
    return ValueError(f"Expected type '{name}' but was '{_KINDS.get(type(value), type(value).__name__)}'.")


def _int(value: Any) -> int:
    if isinstance(value, str):
        try:
            value = float(value) if len(value) < 32 else value
        except ValueError:
            raise _unfit("Int", value) from None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
        return value
    raise _unfit("Int", value)


def _float(value: Any) -> float:
    given = value
    if isinstance(value, str) and len(value) < 400:
        try:
            value = float(value)
        except ValueError:
            raise _unfit("Float", given) from None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise _unfit("Float", given)


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return text_of(value, _MOST)
    except VtlError as error:
        raise ValueError(str(error)) from None


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, int | float):
        return value != 0
    raise _unfit("Boolean", value)


def _enumerated(name: str, values: frozenset[str], value: Any) -> str:
    if isinstance(value, str) and value in values:
        return value
    raise ValueError(f"Invalid input for Enum '{name}'. Unknown value '{_string(value)[:200]}'")


_LEAVES = {
    "Int": Leaf(_int, None),
    "Float": Leaf(_float, None),
    "String": Leaf(_string, str),
    "ID": Leaf(_string, str),
    "Boolean": Leaf(_boolean, bool),
}
