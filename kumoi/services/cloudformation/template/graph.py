"""Which resources need which others: from Ref, GetAtt, Sub and DependsOn to an order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kumoi.wire.errors import aws_error

SUB_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")


def dependencies(resources: Mapping[str, Any]) -> dict[str, set[str]]:
    """Each resource with those that must be there before it; ValidationError for circles and for what is missing."""
    needs: dict[str, set[str]] = {}
    for name, resource in resources.items():
        stated = resource.get("DependsOn", [])
        wanted = set([stated] if isinstance(stated, str) else stated)
        missing = [one for one in wanted if one not in resources]
        if missing:
            raise aws_error(
                "ValidationError",
                f"Template format error: Unresolved resource dependencies [{', '.join(missing)}] "
                "in the Resources block of the template",
            )
        needs[name] = wanted | {one for one in references(resource.get("Properties", {})) if one in resources}
    _check_circles(needs)
    return needs


def references(value: Any) -> Iterator[str]:
    """The logical names that a value refers to."""
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    elif isinstance(value, dict):
        if len(value) == 1:
            ((name, given),) = value.items()
            if name == "Ref" and isinstance(given, str):
                yield given
                return
            if name == "Fn::GetAtt":
                target = given[0] if isinstance(given, list) and given else str(given).partition(".")[0]
                if isinstance(target, str):
                    yield target
                if isinstance(given, list):
                    yield from references(given[1:])
                return
            if name == "Fn::Sub":
                yield from _substituted(given)
                return
        for one in value.values():
            yield from references(one)


def _substituted(given: Any) -> Iterator[str]:
    text, own = (given[0], given[1]) if isinstance(given, list) and len(given) == 2 else (given, {})
    if isinstance(own, dict):
        yield from references(list(own.values()))
    if isinstance(text, str):
        for match in SUB_VARIABLE.finditer(text):
            target = match[2].strip().partition(".")[0]
            if not match[1] and not (isinstance(own, dict) and match[2].strip() in own):
                yield target


def order(needs: Mapping[str, set[str]]) -> list[str]:
    """The resources so that each stands behind those it needs."""
    placed: list[str] = []
    done: set[str] = set()
    left = dict(needs)
    while left:
        ready = [name for name, wanted in left.items() if wanted <= done]
        if not ready:
            raise _circular(left)
        for name in ready:
            placed.append(name)
            done.add(name)
            del left[name]
    return placed


def _check_circles(needs: Mapping[str, set[str]]) -> None:
    order(needs)


def _circular(left: Mapping[str, set[str]]) -> Exception:
    """The error for a circle; those that only need members of the circle are left out."""
    inside = dict(left)
    while True:
        needed = {name for wanted in inside.values() for name in wanted}
        loose = [name for name in inside if name not in needed]
        if not loose:
            break
        for name in loose:
            del inside[name]
    return aws_error("ValidationError", f"Circular dependency between resources: [{', '.join(sorted(inside))}]")
