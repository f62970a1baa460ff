"""The keys in a WHERE clause: which partitions a SELECT reads, or which item a statement is about.

Where every alternative (OR) of the clause says what the partition key equals, its partitions are read and the rest is
a filter; otherwise everything is. Rules: "PartiQL select statements for DynamoDB", parameter `condition`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any, NamedTuple

from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.keys import EmptyKey, ItemKey, place
from kumoi.services.dynamodb.language.syntax import (
    AndNode,
    BetweenNode,
    ComparisonNode,
    FunctionNode,
    InNode,
    Node,
    NotNode,
    OrNode,
    PathNode,
    ValueNode,
)
from kumoi.services.dynamodb.language.values import Item, Value, sort_key_bytes
from kumoi.services.dynamodb.partiql.binding import Bound
from kumoi.services.dynamodb.reading import after_prefix
from kumoi.services.dynamodb.records import Keys

NO_FULL_KEY = "Where clause does not contain a mandatory equality on all key attributes"
_WRONG_TYPE = "Key attribute's data type should match its data type in table's schema"
_OVERLAP = "Overlapping conditions with range keys are not supported in where clause"
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


class Part(NamedTuple):
    """A part of a partition: its key, and the operator ("" for none) and operands on the sort key's bytes."""

    key: ItemKey
    operator: str = ""
    operands: tuple[bytes, ...] = ()

    def ends(self) -> tuple[tuple[bytes, bool], tuple[bytes, bool] | None]:
        """The first and last sort key, each with whether what lies beyond its bytes is meant (None: no end)."""
        if not self.operator:
            return (b"", False), None
        first, last = self.operands[0], self.operands[-1]
        if self.operator == "begins_with":
            end = after_prefix(first)
            return (first, False), (end, False) if end else None
        low = (b"", False) if self.operator in ("<", "<=") else (first, self.operator == ">")
        high = None if self.operator in (">", ">=") else (last, self.operator != "<")
        return low, high


class Plan(NamedTuple):
    """What is read: some partitions (None: everything), and what is left of the clause to be tested.

    `alternatives` tells a clause of several, which is tested as a whole.
    """

    parts: tuple[Part, ...] | None
    rest: Node | None
    alternatives: bool = False


class _Term(NamedTuple):
    """A condition on one key attribute."""

    operator: str
    values: tuple[Value, ...]


def plan(where: Node | None, keys: Keys, bound: Bound) -> Plan:
    """What a SELECT with this clause reads of a table or index."""
    if where is None:
        return Plan(None, None)
    alternatives = list(_flattened(where, OrNode))
    branches = [_branch(branch, keys, bound) for branch in alternatives]
    parts: list[Part] = []
    whole: set[ItemKey] = set()
    for alternative, (branch, _) in zip(alternatives, branches, strict=True):
        if branch is None:
            return Plan(None, where)
        parts += branch
        if len(branches) > 1 and _spares(alternative, keys, bound):
            whole.update(part.key for part in branch)
    if len(branches) == 1:
        return Plan(tuple(dict.fromkeys(parts)), branches[0][1])
    parts = list(dict.fromkeys(Part(part.key) if part.key in whole else part for part in parts))
    for number, part in enumerate(parts):
        if any(_overlap(part, other) for other in parts[:number]):
            raise invalid(_OVERLAP)
    return Plan(tuple(parts), where, alternatives=True)


def _spares(node: Node, keys: Keys, bound: Bound) -> bool:
    """Whether an alternative says what the sort key is not; its whole partitions are read, and may be others' too."""
    for one in _flattened(node, AndNode) if keys.range else ():
        term = _term(one.condition if isinstance(one, NotNode) else one, keys.range, bound)
        if term is not None and (isinstance(one, NotNode) or term.operator == "<>"):
            return True
    return False


def one_item(where: Node | None, keys: Keys, bound: Bound) -> tuple[Item, Node | None] | None:
    """The key attributes of the one item that a clause is about, and what else it says; None where it is not."""
    wanted: Item = {}
    rest: list[Node] = []
    for node in _flattened(where, AndNode) if where is not None else ():
        for name in keys.names:
            term = _term(node, name, bound)
            if term is not None and term.operator == "=" and name not in wanted:
                wanted[name] = _typed(term.values[0], keys.types[name])
                break
        else:
            rest.append(node)
    return (wanted, _joined(rest)) if len(wanted) == len(keys.names) else None


def _branch(node: Node, keys: Keys, bound: Bound) -> tuple[list[Part] | None, Node | None]:
    """The parts that one alternative reads, None for everything, and what else it says."""
    hashes: tuple[Value, ...] | None = None
    ranged: _Term | None = None
    rest: list[Node] = []
    for one in _flattened(node, AndNode):
        term = _term(one, keys.hash, bound)
        if hashes is None and term is not None and term.operator in ("=", "IN"):
            hashes = term.values
            continue
        term = _term(one, keys.range, bound) if keys.range else None
        if ranged is None and term is not None and term.operator not in ("IN", "<>"):
            ranged = term
            continue
        rest.append(one)
    if hashes is None:
        return None, node
    operator, operands = "", tuple[bytes, ...]()
    if ranged is not None:
        operator = ranged.operator
        operands = tuple(sort_key_bytes(_typed(value, keys.range_type)) for value in ranged.values)
    parts = []
    for value in hashes:
        if not _typed(value, keys.hash_type)[keys.hash_type]:
            raise EmptyKey(keys.hash_type, f"Key: {keys.hash}")
        parts.append(Part(place(sort_key_bytes(value)), operator, operands))
    return parts, _joined(rest)


def _term(node: Node, name: str, bound: Bound) -> _Term | None:
    """A condition that compares the attribute of that name with values."""
    if isinstance(node, ComparisonNode):
        left, right, operator = node.left, node.right, node.operator
        if isinstance(left, ValueNode):
            left, right, operator = right, left, _FLIPPED.get(operator, operator)
        operands: tuple[Node, ...] = (right,)
    elif isinstance(node, BetweenNode):
        left, operands, operator = node.operand, (node.low, node.high), "BETWEEN"
    elif isinstance(node, InNode):
        left, operands, operator = node.operand, node.options, "IN"
    elif isinstance(node, FunctionNode) and node.name == "begins_with" and len(node.operands) == 2:
        left, operands, operator = node.operands[0], node.operands[1:], node.name
    else:
        return None
    if not isinstance(left, PathNode) or bound.path(left) != (name,):
        return None
    values = [bound.values.get(one.placeholder) for one in operands if isinstance(one, ValueNode)]
    found = tuple(value for value in values if value is not None)
    return _Term(operator, found) if len(found) == len(operands) else None


def _typed(value: Value, kind: str) -> Value:
    if kind not in value:
        raise invalid(_WRONG_TYPE)
    return value


def _overlap(one: Part, other: Part) -> bool:
    if one.key != other.key:
        return False
    (low, high), (other_low, other_high) = one.ends(), other.ends()
    return (other_high is None or low < other_high) and (high is None or other_low < high)


def _flattened(node: Node, kind: type[Any]) -> Iterable[Node]:
    if not isinstance(node, kind):
        return [node]
    return [*_flattened(node.left, kind), *_flattened(node.right, kind)]


def _joined(nodes: list[Node]) -> Node | None:
    return reduce(AndNode, nodes) if nodes else None
