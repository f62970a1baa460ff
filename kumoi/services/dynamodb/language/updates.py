"""UpdateExpression: what it makes of an item.

Everything on the right side is read from the item as it was; then values are set, added and deleted, and paths removed,
the higher positions of a list first. Source: "Update expressions" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.language.numerals import EXACT, canonical_decimal
from kumoi.services.dynamodb.language.parser import failure, parse_update_text
from kumoi.services.dynamodb.language.paths import Path, check_apart, child, resolve, value_at
from kumoi.services.dynamodb.language.placeholders import Names, Values
from kumoi.services.dynamodb.language.projections import Projection
from kumoi.services.dynamodb.language.syntax import ActionNode, ArithmeticNode, FunctionNode, Node, PathNode, ValueNode
from kumoi.services.dynamodb.language.values import SETS, Item, Value, kind_of
from kumoi.wire.errors import AwsError

KIND = "UpdateExpression"

Give = Callable[[Item], Value]
"""A value, computed from the item as it was."""

_TYPE_NAMES: Mapping[str, str] = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "NULL": "NULL",
    "BOOL": "BOOLEAN",
    "L": "LIST",
    "M": "MAP",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
}


class Action(NamedTuple):
    """One action: SET, ADD, DELETE or REMOVE (which gives nothing) at a path."""

    section: str
    path: Path
    give: Give | None


class UpdateActions:
    """The actions of an update. `names` are the attributes they change; `mismatch` words a value of the wrong type."""

    def __init__(
        self,
        actions: Sequence[Action],
        mismatch: str = "An operand in the update expression has an incorrect data type",
    ) -> None:
        self._actions = actions
        self._mismatch = mismatch
        self.names = frozenset(str(action.path[0]) for action in actions)

    def apply(self, item: Item) -> tuple[Item, Projection | None]:
        """The new item, and the paths that were touched (None: none)."""
        given = [(action, action.give(item) if action.give else None) for action in self._actions]
        changed = dict(item)
        for name in {str(action.path[0]) for action in self._actions if len(action.path) > 1}:
            if name in changed:
                changed[name] = _copied(changed[name])
        assigned = sorted((one for one in given if one[0].section == "SET"), key=lambda one: _position(one[0].path))
        for action, value in assigned:
            assert value is not None
            _put(changed, action.path, value)
        for action, value in given:
            if value is not None and action.section in ("ADD", "DELETE"):
                self._combine(changed, action, value)
        removed = [action.path for action, _ in given if action.section == "REMOVE"]
        for path in sorted(removed, key=_position, reverse=True):
            _remove(changed, path)
        return changed, Projection(action.path for action in self._actions) if self._actions else None

    def _combine(self, item: Item, action: Action, value: Value) -> None:
        old, kind = value_at(item, action.path), kind_of(value)
        if old is None:
            if action.section == "ADD":
                _put(item, action.path, value)
            else:
                _parent(item, action.path)
            return
        if kind not in old:
            raise invalid(self._mismatch)
        if action.section == "DELETE":
            gone = set(value[kind])
            left = [member for member in old[kind] if member not in gone]
            if left:
                _put(item, action.path, {kind: left})
            else:
                _remove(item, action.path)
        elif kind == "N":
            _put(item, action.path, added(old, value, "+"))
        elif kind == "L":
            _put(item, action.path, {"L": old["L"] + value["L"]})
        else:
            known = set(old[kind])
            _put(item, action.path, {kind: old[kind] + [member for member in value[kind] if member not in known]})


def parse_update(text: str, names: Names, values: Values) -> UpdateActions:
    """Read an update; ValidationException where it is none."""
    return bind_update(parse_update_text(text, KIND), names, values, KIND)


def bind_update(nodes: Sequence[ActionNode], names: Names, values: Values, kind: str) -> UpdateActions:
    """Parsed actions with the names and values of one request; errors name `kind`."""
    binder = _Binder(names, values, kind)
    paths = [resolve(node.path, names, kind) for node in nodes]
    for node in nodes:
        if node.value is not None:
            binder.check_defined(node.value)
    check_apart(paths, kind)
    for node in nodes:
        if node.section in ("ADD", "DELETE"):
            binder.check_addend(node.section, node.value)
    return UpdateActions(
        [
            Action(node.section, path, None if node.value is None else binder.give(node.value))
            for node, path in zip(nodes, paths, strict=True)
        ]
    )


def added(one: Value, other: Value, operator: str) -> Value:
    """The sum, or the difference, of two numbers."""
    left, right = Decimal(one["N"]), Decimal(other["N"])
    result = EXACT.add(left, right) if operator == "+" else EXACT.subtract(left, right)
    return {"N": canonical_decimal(result)}


class _Binder:
    """Nodes to functions of the old item, with the names and values of one request."""

    def __init__(self, names: Names, values: Values, kind: str) -> None:
        self._names = names
        self._values = values
        self._kind = kind

    def check_defined(self, node: Node) -> None:
        """Refuse placeholders that are not defined: names before values."""
        nodes = list(_leaves(node))
        for leaf in nodes:
            if isinstance(leaf, PathNode):
                resolve(leaf, self._names, self._kind)
        for leaf in nodes:
            if isinstance(leaf, ValueNode):
                self._literal(leaf)

    def check_addend(self, section: str, node: Node | None) -> None:
        """Refuse what cannot be added or deleted."""
        assert isinstance(node, ValueNode)
        kind = kind_of(self._literal(node))
        if kind not in SETS and not (kind == "N" and section == "ADD"):
            raise failure(
                self._kind,
                "Incorrect operand type for operator or function; "
                f"operator: {section}, operand type: {_TYPE_NAMES[kind]}",
            )

    def give(self, node: Node) -> Give:
        """What a node gives, of the item as it was."""
        if isinstance(node, ValueNode):
            literal = self._literal(node)
            return lambda _item: literal
        if isinstance(node, PathNode):
            path = resolve(node, self._names, self._kind)
            return lambda item: _existing(item, path)
        if isinstance(node, ArithmeticNode):
            return self._arithmetic(node)
        assert isinstance(node, FunctionNode), "the parser lets nothing else through"
        if len(node.operands) != 2:
            raise failure(
                self._kind,
                "Incorrect number of operands for operator or function; "
                f"operator or function: {node.name}, number of operands: {len(node.operands)}",
            )
        return self._if_not_exists(node) if node.name == "if_not_exists" else self._list_append(node)

    def _arithmetic(self, node: ArithmeticNode) -> Give:
        left, right = self._typed(node.operator, "N", (node.left, node.right))
        return lambda item: added(_of_type(left(item), "N"), _of_type(right(item), "N"), node.operator)

    def _list_append(self, node: FunctionNode) -> Give:
        left, right = self._typed("list_append", "L", node.operands)
        return lambda item: {"L": _of_type(left(item), "L")["L"] + _of_type(right(item), "L")["L"]}

    def _if_not_exists(self, node: FunctionNode) -> Give:
        where, otherwise = node.operands
        if not isinstance(where, PathNode):
            raise failure(
                self._kind, "Operator or function requires a document path; operator or function: if_not_exists"
            )
        path, give = resolve(where, self._names, self._kind), self.give(otherwise)
        return lambda item: give(item) if (found := value_at(item, path)) is None else found

    def _typed(self, operator: str, kind: str, operands: Sequence[Node]) -> list[Give]:
        for operand in operands:
            if isinstance(operand, ValueNode) and kind not in (literal := self._literal(operand)):
                raise failure(
                    self._kind,
                    "Incorrect operand type for operator or function; "
                    f"operator or function: {operator}, operand type: {kind_of(literal)}",
                )
        return [self.give(operand) for operand in operands]

    def _literal(self, node: ValueNode) -> Value:
        value = self._values.get(node.placeholder)
        if value is None:
            raise failure(
                self._kind,
                f"An expression attribute value used in expression is not defined; attribute value: {node.placeholder}",
            )
        return value


def _leaves(node: Node) -> Iterable[Node]:
    if isinstance(node, ArithmeticNode):
        yield from _leaves(node.left)
        yield from _leaves(node.right)
    elif isinstance(node, FunctionNode):
        for operand in node.operands:
            yield from _leaves(operand)
    else:
        yield node


def _existing(item: Item, path: Path) -> Value:
    value = value_at(item, path)
    if value is None:
        raise invalid("The provided expression refers to an attribute that does not exist in the item")
    return value


def _of_type(value: Value, kind: str) -> Value:
    if kind not in value:
        raise invalid("An operand in the update expression has an incorrect data type")
    return value


def _position(path: Path) -> tuple[tuple[bool, int, str], ...]:
    """What orders paths so that positions of one list stand in their order."""
    return tuple(
        (isinstance(element, str), element if isinstance(element, int) else 0, str(element)) for element in path
    )


def _copied(value: Value) -> Value:
    """A value whose maps and lists may be changed."""
    kind, content = next(iter(value.items()))
    if kind == "M":
        return {"M": {name: _copied(member) for name, member in content.items()}}
    return {"L": [_copied(element) for element in content]} if kind == "L" else value


def _parent(item: Item, path: Path) -> Value:
    """The map or list that the path's last element belongs to; ValidationException where there is none."""
    if len(path) == 1:
        return {"M": item}
    value = value_at(item, path[:-1])
    if value is None or ("L" if isinstance(path[-1], int) else "M") not in value:
        raise _wrong_path()
    return value


def _wrong_path() -> AwsError:
    return invalid("The document path provided in the update expression is invalid for update")


def _put(item: Item, path: Path, value: Value) -> None:
    parent, last = _parent(item, path), path[-1]
    if isinstance(last, str):
        parent["M"][last] = value
    elif last < len(parent["L"]):
        parent["L"][last] = value
    else:
        parent["L"].append(value)


def _remove(item: Item, path: Path) -> None:
    parent, last = _parent(item, path), path[-1]
    if child(parent, last) is not None:
        del parent["M" if isinstance(last, str) else "L"][last]
