"""Which route of an HTTP API answers a request: a tree of path segments, tried from the most specific; pure.

A literal segment goes before a path variable, that before a greedy one, `$default` comes last; where a path leads to a
route of another method alone, the next best path is tried. Source: "Working with routes for HTTP APIs".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote


class RouteMatch(NamedTuple):
    """A route's members, and the values of its path variables."""

    route: Mapping[str, Any]
    path_parameters: dict[str, str]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    variable: _Node | None = None
    routes: dict[str, tuple[Mapping[str, Any], list[str]]] = field(default_factory=dict)
    greedy: dict[str, tuple[Mapping[str, Any], list[str]]] = field(default_factory=dict)


class RouteTable:
    """The routes of one deployment."""

    def __init__(self, routes: Iterable[Mapping[str, Any]]) -> None:
        self._root = _Node()
        self._default: Mapping[str, Any] | None = None
        for route in routes:
            key = route["RouteKey"]
            if key == "$default":
                self._default = route
            elif " " in key:
                method, _, path = key.partition(" ")
                self._add(method, path, route)

    def match(self, method: str, path: str) -> RouteMatch | None:
        """The route for a request; `path` is percent-encoded and begins with a slash."""
        segments = path[1:].split("/")
        found = self._walk(self._root, segments, 0, [], method)
        if found is not None:
            (route, names), values = found
            return RouteMatch(route, {name: unquote(value) for name, value in zip(names, values, strict=True)})
        return None if self._default is None else RouteMatch(self._default, {})

    def _add(self, method: str, path: str, route: Mapping[str, Any]) -> None:
        node = self._root
        names: list[str] = []
        for segment in path[1:].split("/"):
            if segment.startswith("{") and segment.endswith("+}"):
                names.append(segment[1:-2])
                node.greedy[method] = (route, names)
                return
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literals.setdefault(segment, _Node())
        node.routes[method] = (route, names)

    def _walk(
        self, node: _Node, segments: list[str], at: int, values: list[str], method: str
    ) -> tuple[tuple[Mapping[str, Any], list[str]], list[str]] | None:
        if at == len(segments):
            found = node.routes.get(method) or node.routes.get("ANY")
            return None if found is None else (found, values)
        segment = segments[at]
        child = node.literals.get(segment) or node.literals.get(unquote(segment))
        if child is not None and (deeper := self._walk(child, segments, at + 1, values, method)):
            return deeper
        if (
            node.variable is not None
            and segment
            and (deeper := self._walk(node.variable, segments, at + 1, [*values, segment], method))
        ):
            return deeper
        rest = "/".join(segments[at:])
        greedy = node.greedy.get(method) or node.greedy.get("ANY")
        return (greedy, [*values, rest]) if greedy is not None and rest else None
