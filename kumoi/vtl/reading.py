"""Reading values: members, items, methods, texts. How much of a value is looked at counts as steps of the run."""

from __future__ import annotations

from typing import Any

from kumoi.vtl import methods, operators
from kumoi.vtl.errors import VtlError
from kumoi.vtl.run import Run
from kumoi.vtl.values import Object, text_of

_WHOLE = frozenset(
    ("equals", "hashCode", "toString", "valueOf", "contains", "containsValue", "indexOf", "lastIndexOf", "remove")
)
"""Methods that compare or write what is held, however deep."""
_EACH_WITH_EACH = frozenset(("containsAll", "removeAll", "retainAll"))
_HOST_STEP = 16
"""How much of a value is a step where a method of the host gets or gives it; many only look at it."""


def called(run: Run, value: Any, method: str, given: list[Any]) -> Any:
    """What a method of a value answers."""
    if isinstance(value, Object):
        run.look_into(*given, a_step=_HOST_STEP)
    elif method in _EACH_WITH_EACH and given and isinstance(value, list | tuple):
        run.look_into(value, *given)
        run.spend(len(value) * len(given[0] if isinstance(given[0], list | tuple | range) else ()) // 64)
    elif method in _WHOLE:
        run.look_into(value, *given)
    elif isinstance(value, dict):
        run.look_into(*given[:1])
    if isinstance(value, list | dict):
        run.spend(len(value) // 16 + 1)
    elif isinstance(value, str):
        run.spend(len(value) >> 10)
    found = methods.call(value, method, given, run.limits.output)
    if isinstance(found, str):
        run.spend(len(found) >> 10)
    elif isinstance(value, Object):
        run.look_into(found, a_step=_HOST_STEP)
    return found


def written(run: Run, value: Any) -> str:
    """A value as text."""
    if isinstance(value, str):
        return value
    run.look_into(value)
    return text_of(value, run.limits.output)


def key(run: Run, value: Any) -> Any:
    """A value as the key of a map."""
    run.look_into(value)
    return methods.key_of(value, run.limits.output)


def member(value: Any, name: str) -> Any:
    """What `.name` of a value is; None for nothing."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, Object):
        found = value.properties.get(name)
        if found is None and (method := value.methods.get(f"get{name[:1].upper()}{name[1:]}")) is not None:
            return method()
        return found
    if name == "empty" and isinstance(value, str | list | tuple | range):
        return not value
    return None


def item(run: Run, value: Any, index: Any) -> Any:
    """What `[index]` of a value is; None for nothing."""
    if isinstance(value, list | tuple | range):
        if not isinstance(index, int) or isinstance(index, bool):
            return None
        at = index + len(value) if index < 0 else index
        if not 0 <= at < len(value):
            raise VtlError(f"index {index} is out of bounds for length {len(value)}")
        return value[at]
    if isinstance(value, dict):
        return value.get(key(run, index))
    return methods.call(value, "get", [index], run.limits.output)


def equal(run: Run, left: Any, right: Any) -> bool:
    """Whether two values are the same to a template."""
    run.look_into(left, right)
    return operators.equal(left, right, run.limits.output)
