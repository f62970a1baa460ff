"""Readers: straight-line code for objects that are met often, such as the items of lists.

What is usual is written out — a text where a text belongs, a whole number where one does — and everything else goes the
way of `ObjectPlan.read`. A list of objects that have nothing but leaves is one loop. Response keys and field names are
GraphQL's, letters and digits; they stand in the code as Python writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kumoi.wire.codegen import Generator

OFTEN = 64
"""Objects after which a reader is made: that takes some hundred microseconds."""

Reader = Callable[[Any, Any, Any], dict[str, Any]]
"""Reads (object, path, ledger)."""
ListReader = Callable[[Any, Callable[[int, Any], Any]], list[Any]]
"""Reads (objects, what finishes the object at an index that has something unusual)."""
_USUAL = {
    "String": "{v}.__class__ is str",
    "ID": "{v}.__class__ is str",
    "Boolean": "{v}.__class__ is bool",
    "Int": "{v}.__class__ is int and -2147483648 <= {v} <= 2147483647",
    "Float": "{v}.__class__ is float and {v} - {v} == 0",
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


def list_reader(type_name: str, steps: Sequence[tuple[str, str, Any, Any, Any]]) -> ListReader | None:
    """A reader for lists of objects; None where the objects have more than plain leaves."""
    leaves = [step for step in steps if step[4] is not None]
    if not leaves or any(write is None or field.type.name not in _USUAL for _, _, write, _, field in leaves):
        return None
    code = Generator("appsync", {})

    def body() -> list[str]:
        values = {key: f"value_{number}" for number, (key, *_) in enumerate(leaves)}
        gotten = "; ".join(f"{values[key]} = source[{name!r}]" for key, name, *_ in leaves)
        tests = []
        for key, _name, _write, _exact, field in leaves:
            usual = _USUAL[field.type.name].format(v=values[key])
            tests.append(f"({usual} or {values[key]} is None)" if field.nullable else f"({usual})")
        items = ", ".join(f"{key!r}: {values.get(key, repr(type_name))}" for key, *_ in steps)
        return [
            "out = []",
            "append = out.append",
            "for source in sources:",
            "    if source.__class__ is dict:",
            "        try:",
            f"            {gotten}",
            "        except KeyError:",
            "            pass",
            "        else:",
            f"            if {' and '.join(tests)}:",
            f"                append({{{items}}})",
            "                continue",
            "    append(other(len(out), source))",
            "return out",
        ]

    made: ListReader = code.compiled(code.function("read_list", "read", "sources, other", body), type_name)
    return made


def _nothing(_name: str) -> None:
    return None
