"""From a pattern's JSON to the tree that events are held against, refusing what is no pattern in AWS's words."""

from __future__ import annotations

from typing import Any, Literal

import orjson

from kumoi.event_pattern.conditions import PatternError, Test, is_number, make_test
from kumoi.event_pattern.matching import Leaf, Node, Path, Pattern

Dialect = Literal["events", "lambda", "sns-attributes", "sns-body"]

_SNS: frozenset[Dialect] = frozenset({"sns-attributes", "sns-body"})


def compile_pattern(text: str | bytes, dialect: Dialect = "events") -> Pattern:
    """Compile a pattern given as JSON; PatternError tells AWS's reason when it is none."""
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise PatternError(f"Invalid JSON: {error.msg}") from None
    if not isinstance(content, dict):
        raise PatternError("Filter is not an object")
    return Pattern(_node(content, (), dialect))


def _node(content: dict[str, Any], path: Path, dialect: Dialect) -> Node:
    node = Node()
    for key, value in content.items():
        if key == "$or" and _is_choice(value):
            node.choices.append([_node(one, path, dialect) for one in value])
            continue
        if isinstance(value, dict):
            if dialect == "sns-attributes":
                raise PatternError("Filter policy scope MessageAttributes does not support nested filter policy")
            node.fields.setdefault(key, []).append(_node(value, (*path, key), dialect))
        elif isinstance(value, list):
            _place(node, key, value, path, dialect)
        else:
            raise PatternError(f'"{key}" must be an object or an array')
    return node


def _is_choice(value: Any) -> bool:
    """Whether what stands behind `$or` makes it the operator: two objects or more. Otherwise it is a field's name."""
    return isinstance(value, list) and len(value) > 1 and all(isinstance(one, dict) and one for one in value)


def _place(node: Node, key: str, alternatives: list[Any], path: Path, dialect: Dialect) -> None:
    """Put a leaf below a node; the names of a key with dots are a path."""
    *parents, last = [key] if dialect == "sns-attributes" else key.split(".")
    for name in parents:
        below = next((one for one in node.fields.get(name, ()) if isinstance(one, Node)), None)
        if below is None:
            below = Node()
            node.fields.setdefault(name, []).append(below)
        node = below
        path = (*path, name)
    node.fields.setdefault(last, []).append(_leaf(alternatives, (*path, last), dialect))


def _leaf(alternatives: list[Any], path: Path, dialect: Dialect) -> Leaf:
    if not alternatives:
        raise PatternError("Empty arrays are not allowed")
    texts: list[str] = []
    numbers: list[float] = []
    literals: list[Any] = []
    tests: list[Test] = []
    exists: list[bool] = []
    for one in alternatives:
        if isinstance(one, str):
            texts.append(one)
        elif is_number(one):
            numbers.append(float(one))
        elif one is None or isinstance(one, bool):
            literals.append(one)
        elif isinstance(one, dict):
            _operator(one, tests, exists, dialect)
        else:
            raise PatternError("Match value must be String, number, true, false, or null")
    return Leaf(
        path,
        frozenset(texts),
        frozenset(numbers),
        tuple(literals),
        tuple(tests),
        absent=False in exists,
        present=True in exists,
    )


def _operator(expression: dict[str, Any], tests: list[Test], exists: list[bool], dialect: Dialect) -> None:
    if len(expression) != 1:
        raise PatternError("Only one key allowed in match expression")
    operator, operand = next(iter(expression.items()))
    if operator == "exists":
        if not isinstance(operand, bool):
            raise PatternError("exists match pattern must be either true or false.")
        exists.append(operand)
        return
    if dialect in _SNS and operator == "anything-but" and isinstance(operand, dict) and "prefix" not in operand:
        raise PatternError(f"Unsupported anything-but pattern: {next(iter(operand), '')}")
    tests.append(make_test(operator, operand))
