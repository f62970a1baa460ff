"""KeyConditionExpression: one partition key, and at most one condition on the sort key.

Source: "Key condition expressions for the Query operation" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.language.conditions import Binder
from kumoi.services.dynamodb.language.parser import failure, parse_condition_text
from kumoi.services.dynamodb.language.placeholders import Names, Values
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
)
from kumoi.services.dynamodb.language.values import Value
from kumoi.wire.errors import AwsError

KIND = "KeyConditionExpression"
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


class KeyCondition(NamedTuple):
    """The partition key's value; the sort key's operator ("" for none) and its operands."""

    hash_value: Value
    range_operator: str = ""
    range_values: tuple[Value, ...] = ()


class Term(NamedTuple):
    """A condition on one key attribute."""

    name: str
    operator: str
    values: tuple[Value, ...]


def parse_key_condition(text: str, names: Names, values: Values, hash_name: str, range_name: str) -> KeyCondition:
    """Read a key condition on a partition key and a sort key ("" for none); ValidationException where it is none."""
    binder = Binder(names, values, KIND)
    terms: list[Term] = []
    for node in _terms(parse_condition_text(text, KIND)):
        term = _term(node, binder)
        if any(known.name == term.name for known in terms):
            raise failure(KIND, "KeyConditionExpressions must only contain one condition per key")
        terms.append(term)
    if len(terms) > 2:
        raise invalid(
            f"The number of query conditions ({len(terms)}) exceeds the number of key attributes defined in the schema "
            f"({2 if range_name else 1})"
        )
    return key_condition_of(terms, hash_name, range_name)


def key_condition_of(terms: Sequence[Term], hash_name: str, range_name: str) -> KeyCondition:
    """The terms sorted out by key; ValidationException where they do not fit the keys."""
    if not 1 <= len(terms) <= 2:
        raise invalid("Conditions can be of length 1 or 2 only")
    by_name = {term.name: term for term in terms}
    if hash_name not in by_name:
        raise invalid(f"Query condition missed key schema element: {hash_name}")
    on_hash = by_name.pop(hash_name)
    if on_hash.operator != "=":
        raise invalid("Query key condition not supported")
    if not by_name:
        return KeyCondition(on_hash.values[0])
    if not range_name:
        raise invalid("Query key condition not supported")
    if range_name not in by_name:
        raise invalid(f"Query condition missed key schema element: {range_name}")
    on_range = by_name[range_name]
    return KeyCondition(on_hash.values[0], on_range.operator, on_range.values)


def _terms(node: Node) -> list[Node]:
    if isinstance(node, AndNode):
        return _terms(node.left) + _terms(node.right)
    return [node]


def _term(node: Node, binder: Binder) -> Term:
    if isinstance(node, ComparisonNode):
        if node.operator == "<>":
            raise _not_here("<>")
        _check_flat((node.left, node.right))
        if isinstance(node.left, PathNode) or not isinstance(node.right, PathNode):
            return _bound(node.operator, node.left, (node.right,), binder)
        return _bound(_FLIPPED[node.operator], node.right, (node.left,), binder)
    if isinstance(node, BetweenNode):
        _check_flat((node.operand, node.low, node.high))
        _check_first("BETWEEN", node.operand, (node.low, node.high))
        term = _bound("BETWEEN", node.operand, (node.low, node.high), binder)
        binder.check_bounds(*term.values)
        return term
    if isinstance(node, FunctionNode) and node.name == "begins_with" and len(node.operands) == 2:
        _check_flat(node.operands)
        _check_first("begins_with", node.operands[0], node.operands[1:])
        binder.test(node)  # the types of its operands
        return _bound("begins_with", node.operands[0], node.operands[1:], binder)
    raise _not_here(_operator_of(node))


def _bound(operator: str, key: Node, others: Sequence[Node], binder: Binder) -> Term:
    """A term, once the key is known to be one attribute and the others to be values."""
    if not isinstance(key, PathNode):
        raise _invalid_condition("No key attribute specified")
    path = binder.operand(key).path
    assert path is not None
    if any(isinstance(other, PathNode) for other in others):
        raise _invalid_condition("Multiple attribute names used in one condition")
    values = tuple(literal for other in others if (literal := binder.operand(other).literal) is not None)
    if len(path) > 1:
        raise failure(KIND, "KeyConditionExpressions cannot have conditions on nested attributes")
    return Term(str(path[0]), operator, values)


def _check_flat(operands: Sequence[Node]) -> None:
    if any(isinstance(operand, FunctionNode) for operand in operands):
        raise invalid("KeyConditionExpressions cannot contain nested operations")


def _check_first(operator: str, first: Node, others: Sequence[Node]) -> None:
    if not isinstance(first, PathNode) and any(isinstance(other, PathNode) for other in others):
        raise _invalid_condition(f"{operator} operator must have the key attribute as its first operand")


def _invalid_condition(text: str) -> AwsError:
    return invalid(f"Invalid condition in {KIND}: {text}")


def _not_here(operator: str) -> AwsError:
    return invalid(f"Invalid operator used in {KIND}: {operator}")


def _operator_of(node: Node) -> str:
    if isinstance(node, FunctionNode):
        return node.name
    return {OrNode: "OR", NotNode: "NOT", InNode: "IN"}.get(type(node), "=")
