"""From a pattern's JSON to the tree that events are held against, refusing what is no pattern in AWS's words."""

from __future__ import annotations

from typing import Any, Literal

import orjson

from kumoi.event_pattern.conditions import PatternError, Test, is_number, make_test
from kumoi.event_pattern.matching import Leaf, Node, Path, Pattern

Dialect = Literal["events", "lambda", "sns-attributes", "sns-body"]

MAX_DEPTH = 100
"""Levels of a pattern: ours, so that no pattern is deeper than what matches it."""

MAX_COMBINATIONS = 1000
"""Combinations that the alternatives of a pattern's `$or`s may make, as AWS has it."""

_SNS: frozenset[Dialect] = frozenset({"sns-attributes", "sns-body"})


def compile_pattern(text: str | bytes, dialect: Dialect = "events") -> Pattern:
    """Compile a pattern given as JSON; PatternError tells AWS's reason when it is none."""
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise PatternError(f"Invalid JSON: {error.msg}") from None
    if not isinstance(content, dict):
        raise PatternError("Filter is not an object")
    return Pattern([_tree(leaves) for leaves in _combinations(content, (), dialect)])


def _combinations(content: dict[str, Any], path: Path, dialect: Dialect) -> list[tuple[Leaf, ...]]:
    """The sets of conditions of which an event has to meet one: several where there is an `$or`."""
    if not content and dialect == "events":
        raise PatternError("Empty objects are not allowed")
    combinations: list[tuple[Leaf, ...]] = [()]
    for key, value in content.items():
        below = (*path, *([key] if dialect == "sns-attributes" else key.split(".")))
        if len(below) > MAX_DEPTH:
            raise PatternError(f"Kumoi takes patterns of up to {MAX_DEPTH} levels")
        if key == "$or" and _is_choice(value):
            alternatives = [leaves for one in value for leaves in _combinations(one, path, dialect)]
        elif isinstance(value, dict):
            if dialect == "sns-attributes":
                raise PatternError("Filter policy scope MessageAttributes does not support nested filter policy")
            alternatives = _combinations(value, below, dialect)
        elif isinstance(value, list):
            alternatives = [(_leaf(value, below, dialect),)]
        else:
            raise PatternError(f'"{key}" must be an object or an array')
        if len(combinations) * len(alternatives) > MAX_COMBINATIONS:
            raise PatternError(f"A pattern may have up to {MAX_COMBINATIONS} combinations of alternatives in $or")
        combinations = [known + more for known in combinations for more in alternatives]
    return combinations


def _tree(leaves: tuple[Leaf, ...]) -> Node:
    """Conditions by the names that lead to them, so that those below one array are asked of one element."""
    root = Node()
    for leaf in leaves:
        node = root
        for name in leaf.path[:-1]:
            node = node.nodes.setdefault(name, Node())
        node.leaves.append((leaf.path[-1], leaf))
    return root


def _is_choice(value: Any) -> bool:
    """Whether what stands behind `$or` makes it the operator: two objects or more. Otherwise it is a field's name."""
    return isinstance(value, list) and len(value) > 1 and all(isinstance(one, dict) and one for one in value)


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
    if not expression:
        raise PatternError("Match expression name not found")
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
