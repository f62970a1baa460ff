"""REST operations by method and path: a trie of path segments, then the best of what shares a path.

Works on the raw path: labels are percent-decoded after they matched, empty segments and `..` stay as they are. Among
operations of one path the one with the most of its fixed query keys, required query members and required headers
present wins. A fixed key (`?attributes`) says enough: headers that its operation needs besides are for the operation
to miss. Whether a path ends with a slash counts only where both forms mean something: Go's SDK leaves it out.

Where only one way leads on it is gone without a call of its own: most requests of REST services come by here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
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
        self.leaves: dict[str, _Leaf] = {}


class _Leaf:
    """The operations of one path and method: those with fixed query keys by one of them, and the plain ones."""

    def __init__(self) -> None:
        self.fixed: dict[str, list[Candidate]] = {}
        self.plain: list[Candidate] = []

    def add(self, candidate: Candidate) -> None:
        key = next(iter(candidate.literals), None)
        among = self.plain if key is None else self.fixed.setdefault(key, [])
        among.append(candidate)
        among.sort(key=_by_score)

    def candidates(self, query: Mapping[str, list[str]]) -> list[Candidate]:
        """What a request with these query keys may mean, the best first."""
        if not query or not self.fixed:
            return self.plain
        found = [candidate for key in query.keys() & self.fixed.keys() for candidate in self.fixed[key]]
        return sorted(found + self.plain, key=_by_score) if found else self.plain


class RestRouter:
    """The trie of one service. `telling` are the headers by which operations that share a path are told apart."""

    def __init__(self, operations: Iterable[OperationModel]) -> None:
        self._root = _Node()
        self.telling: frozenset[str] = frozenset()
        for operation in operations:
            self._add(operation)

    def match(
        self, method: str, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str]
    ) -> tuple[OperationModel, dict[str, str]] | None:
        """(the operation, its labels decoded) that a request means; None when there is none."""
        segments = path.split("/")[1:]
        found = self._walk(self._root, segments, 0, [], method, query, headers)
        if found is None and len(segments) > 1:
            other = segments[:-1] if segments[-1] == "" else [*segments, ""]
            found = self._walk(self._root, other, 0, [], method, query, headers)
        return found

    def methods(self, path: str) -> set[str]:
        """The methods that a path has operations for."""
        segments = path.split("/")[1:]
        found = self._methods(self._root, segments)
        return found or self._methods(self._root, segments[:-1] if segments[-1:] == [""] else [])

    def _methods(self, node: _Node, segments: list[str]) -> set[str]:
        if not segments:
            return set(node.leaves)
        found: set[str] = set()
        if (child := node.literal.get(segments[0])) is not None:
            found |= self._methods(child, segments[1:])
        if node.label is not None and segments[0]:
            found |= self._methods(node.label, segments[1:])
        if node.greedy is not None:
            found |= set(node.greedy.leaves)
        return found

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
        candidate = _candidate(operation, tuple(labels), fixed)
        node.leaves.setdefault(operation.method, _Leaf()).add(candidate)
        self.telling |= candidate.headers

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
        while at < len(segments) and node.greedy is None and (node.label is None or not node.literal):
            only = node.literal.get(segments[at]) if node.label is None else node.label if segments[at] else None
            if only is None:
                return None
            if only is node.label:
                values = [*values, segments[at]]
            node, at = only, at + 1
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
        """A greedy label takes all that is left, or all but the literals that some of its operations end with."""
        literal_ends = range(len(segments) - 1, at, -1) if node.literal else ()
        for end in (*literal_ends, len(segments)):
            taken = [*values, "/".join(segments[at:end])]
            found = self._walk(node, segments, end, taken, method, query, headers)
            if found is not None:
                return found
        return None


def _choose(
    node: _Node, values: list[str], method: str, query: Mapping[str, list[str]], headers: Mapping[str, str]
) -> tuple[OperationModel, dict[str, str]] | None:
    leaf = node.leaves.get(method)
    if leaf is None:
        return None
    for candidate in leaf.candidates(query):
        if (
            (not candidate.query or query.keys() >= candidate.query)
            and (not candidate.headers or headers.keys() >= candidate.headers)
            and (not candidate.literals or _has(query, candidate.literals))
        ):
            return candidate.operation, _labels(candidate, values)
    # Required members that are missing are the validation's matter, once the path leaves no doubt.
    if len(leaf.plain) == 1:
        return leaf.plain[0].operation, _labels(leaf.plain[0], values)
    return None


def _has(query: Mapping[str, list[str]], literals: Mapping[str, str]) -> bool:
    return all(key in query and (not value or value in query[key]) for key, value in literals.items())


def _labels(candidate: Candidate, values: list[str]) -> dict[str, str]:
    return {
        name: unquote(value) if "%" in value else value for name, value in zip(candidate.labels, values, strict=True)
    }


def _by_score(candidate: Candidate) -> int:
    return -candidate.score


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
            elif where == "header" and not literals:
                headers.add((member.location_name or name).lower())
    score = 10 * (len(literals) + len(query) + len(headers)) - 5 * operation.deprecated
    return Candidate(operation, labels, literals, frozenset(query), frozenset(headers), score)
