"""Readers: straight-line code for objects that are met often, such as the items of lists.

What is usual is written out — a text where a text belongs, a whole number where one does — and everything else goes the
way of `ObjectPlan.read`. Response keys and field names are GraphQL's, letters and digits; they stand in the code as
Python writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kumoi.wire.codegen import Generator

OFTEN = 64
"""Objects after which a reader is made: that takes some hundred microseconds."""

Reader = Callable[[Any, Any, Any], dict[str, Any]]
"""Reads (object, path, ledger)."""
_USUAL = {
    "String": "type({v}) is str",
    "ID": "type({v}) is str",
    "Boolean": "type({v}) is bool",
    "Int": "type({v}) is int and -2147483648 <= {v} <= 2147483647",
    "Float": "type({v}) is float and {v} - {v} == 0",
}


def reader(type_name: str, steps: Sequence[tuple[str, str, Any, Any, Any]], leaf: Any, longer: Any) -> Reader:
    """A reader for the steps of an object plan.

    `leaf(field, value, path, ledger)` finishes what is not usual, `longer(source, get, out, path, field, ledger)`
    fields that are no plain leaves.
    """
    code = Generator("appsync", {"leaf": leaf, "longer": longer, "nothing": _nothing})

    def body() -> list[str]:
        lines, items, after = [], [], []
        for number, (key, name, write, _exact, field) in enumerate(steps):
            if field is None:
                items.append(f"{key!r}: {type_name!r}")
                continue
            of_field, value = code.constant("field", field), f"value_{number}"
            if write is None:
                items.append(f"{key!r}: None")
                after.append(f"longer(source, get, out, path, {of_field}, ledger)")
                continue
            lines.append(f"{value} = get({name!r})")
            usual = _USUAL.get(field.type.name, "False").format(v=value)
            items.append(f"{key!r}: {value} if {usual} else leaf({of_field}, {value}, path, ledger)")
        get = "get = source.get if isinstance(source, dict) else nothing"
        return [get, *lines, f"out = {{{', '.join(items)}}}", *after, "return out"]

    return code.compiled(code.function("read", "read", "source, path, ledger", body), type_name)


def _nothing(_name: str) -> None:
    return None
