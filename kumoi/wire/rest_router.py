"""REST operations by method and path: a trie of path segments, then the best of what shares a path.

Works on the raw path: labels are percent-decoded after they matched, empty segments and `..` stay as they are. Among
operations of one path the one with the most of its fixed query keys, required query members and required headers
present wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from kumoi.wire.model import OperationModel


class Candidate(NamedTuple):
    """An operation on a path, and what a request must have to mean it."""

    operation: OperationModel
    labels: tuple[str, ...]
    literals: Mapping[str, str]
    query: frozenset[str]
    headers: frozenset[str]
    score: int


class _Node:
    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.label: _Node | None = None
        self.greedy: _Node | None = None
        self.leaves: dict[str, list[Candidate]] = {}


class RestRouter:
    """The trie of one service."""

    def __init__(self, operations: Iterable[OperationModel]) -> None:
        self._root = _Node()
        for operation in operations:
            self._add(operation)

    def match(
        self, method: str, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str]
    ) -> tuple[OperationModel, dict[str, str]] | None:
        """(the operation, its labels decoded) that a request means; None when there is none."""
        segments = path.split("/")[1:]
        found = self._walk(self._root, segments, 0, [], method, query, headers)
        if found is None and len(segments) > 1 and segments[-1] == "":
            found = self._walk(self._root, segments[:-1], 0, [], method, query, headers)
        return found

    def methods(self, path: str) -> set[str]:
        """The methods that a path has operations for."""
        known = {"GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"}
        everything: Any = _Everything()
        return {method for method in known if self.match(method, path, everything, everything)}

    def _add(self, operation: OperationModel) -> None:
        path, _, fixed = operation.uri.partition("?")
        node = self._root
        labels: list[str] = []
        for segment in path.split("/")[1:]:
            if segment.startswith("{"):
                greedy = segment.endswith("+}")
                labels.append(segment[1:-2] if greedy else segment[1:-1])
                child = node.greedy if greedy else node.label
                if child is None:
                    child = _Node()
                    if greedy:
                        node.greedy = child
                    else:
                        node.label = child
                node = child
            else:
                node = node.literal.setdefault(segment, _Node())
        leaves = node.leaves.setdefault(operation.method, [])
        leaves.append(_candidate(operation, tuple(labels), fixed))
        leaves.sort(key=lambda candidate: candidate.score, reverse=True)

    def _walk(
        self,
        node: _Node,
        segments: list[str],
        at: int,
        values: list[str],
        method: str,
        query: Mapping[str, list[str]],
        headers: Mapping[str, str],
    ) -> tuple[OperationModel, dict[str, str]] | None:
        if at == len(segments):
            return _choose(node, values, method, query, headers)
        segment = segments[at]
        child = node.literal.get(segment)
        if child is not None:
            found = self._walk(child, segments, at + 1, values, method, query, headers)
            if found is not None:
                return found
        if node.label is not None and segment:
            found = self._walk(node.label, segments, at + 1, [*values, segment], method, query, headers)
            if found is not None:
                return found
        if node.greedy is not None and "/".join(segments[at:]):
            return self._greedy(node.greedy, segments, at, values, method, query, headers)
        return None

    def _greedy(
        self,
        node: _Node,
        segments: list[str],
        at: int,
        values: list[str],
        method: str,
        query: Mapping[str, list[str]],
        headers: Mapping[str, str],
    ) -> tuple[OperationModel, dict[str, str]] | None:
        """A greedy label takes all that is left, or all but the literals that its operations end with."""
        for end in range(len(segments), at, -1) if node.literal else (len(segments),):
            taken = [*values, "/".join(segments[at:end])]
            found = self._walk(node, segments, end, taken, method, query, headers)
            if found is not None:
                return found
        return None


class _Everything(dict[str, list[str]]):
    """Has every key: to ask what a path could mean."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> list[str]:
        return [""]

    def get(self, key: str, default: Any = None) -> Any:
        return [""]


def _choose(
    node: _Node, values: list[str], method: str, query: Mapping[str, list[str]], headers: Mapping[str, str]
) -> tuple[OperationModel, dict[str, str]] | None:
    for candidate in node.leaves.get(method, ()):
        if (
            all(key in query and (not value or value in query[key]) for key, value in candidate.literals.items())
            and all(key in query for key in candidate.query)
            and all(key in headers for key in candidate.headers)
        ):
            labels = {name: unquote(value) for name, value in zip(candidate.labels, values, strict=True)}
            return candidate.operation, labels
    # Required members that are missing are the validation's matter, once the path leaves no doubt.
    plain = [candidate for candidate in node.leaves.get(method, ()) if not candidate.literals]
    if len(plain) == 1:
        labels = {name: unquote(value) for name, value in zip(plain[0].labels, values, strict=True)}
        return plain[0].operation, labels
    return None


def _candidate(operation: OperationModel, labels: tuple[str, ...], fixed: str) -> Candidate:
    literals = dict(part.partition("=")[::2] for part in fixed.split("&")) if fixed else {}
    query: set[str] = set()
    headers: set[str] = set()
    if operation.input is not None:
        for name in operation.input.required:
            member = operation.input.members[name]
            where = member.traits.get("location")
            if where == "querystring" and member.location_name not in literals:
                query.add(member.location_name or name)
            elif where == "header":
                headers.add((member.location_name or name).lower())
    score = 10 * (len(literals) + len(query) + len(headers)) - 5 * operation.deprecated
    return Candidate(operation, labels, literals, frozenset(query), frozenset(headers), score)
