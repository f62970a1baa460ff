"""A statement with its parameters: literals become attribute values, WHERE a condition, SET and REMOVE an update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.language.conditions import Condition, bind_condition
from kumoi.services.dynamodb.language.paths import Path, resolve
from kumoi.services.dynamodb.language.placeholders import Names, Values
from kumoi.services.dynamodb.language.syntax import Node, PathNode
from kumoi.services.dynamodb.language.updates import UpdateActions, bind_update
from kumoi.services.dynamodb.language.values import SETS, Item, Value, kind_of, normalise
from kumoi.services.dynamodb.partiql.syntax import (
    BagLiteral,
    ListLiteral,
    Literal,
    Missing,
    Parameter,
    Scalar,
    Statement,
    Update,
)
from kumoi.wire.errors import AwsError

_IN_BAG = "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"


class Bound:
    """A statement whose parameters are known."""

    def __init__(self, statement: Statement, Parameters: Sequence[Mapping[str, Any]] | None) -> None:
        given = [normalise(dict(value)) for value in Parameters or ()]
        if len(given) < statement.parameters:
            raise invalid("Number of parameters in request and statement don't match.")
        self._parameters = given
        values = {placeholder: self.value(literal, "root") for placeholder, literal in statement.values.items()}
        self.names = Names(statement.names or None)
        self.values = Values({name: value for name, value in values.items() if value is not None} or None)
        self.body = statement.body

    def condition(self, where: Node | None) -> Condition | None:
        """A WHERE clause, or a part of one, as a condition."""
        return None if where is None else bind_condition(where, self.names, self.values, "")

    def path(self, node: PathNode) -> Path:
        """A path with its names."""
        return resolve(node, self.names, "")

    def update(self, statement: Update) -> UpdateActions:
        """What an UPDATE makes of an item."""
        for action in statement.actions:
            if action.section in ("ADD", "DELETE"):
                value = self.values.get(action.value.placeholder)  # type: ignore[union-attr]
                if value is None or kind_of(value) not in SETS:
                    raise invalid(f"The second argument to SET_{action.section} must be a value with type SET")
        return bind_update(statement.actions, self.names, self.values, "")

    def item(self, literal: Literal) -> Item:
        """The item an INSERT names."""
        if isinstance(literal, Parameter):
            value = self._parameters[literal.position]
        else:
            value = self.value(literal, "root", whole=True) or {}
        if "M" not in value:
            raise invalid("Statement wasn't well formed, can't be processed: Expected a tuple in VALUE")
        item: Item = value["M"]
        return item

    def value(self, literal: Literal, where: str, *, whole: bool = False) -> Value | None:
        """The value of a literal, None for MISSING; `where` tells errors its place in the attribute.

        The members of a `whole` item are attributes of their own.
        """
        if isinstance(literal, Missing):
            return None
        if isinstance(literal, Parameter):
            return self._parameters[literal.position]
        if isinstance(literal, Scalar):
            return _placed({literal.kind: literal.content}, where)
        if isinstance(literal, ListLiteral):
            elements = [self.value(one, f"{where}[{number}]") for number, one in enumerate(literal.elements)]
            return {"L": [element for element in elements if element is not None]}
        if isinstance(literal, BagLiteral):
            return self._set(literal, where)
        members: dict[str, Value] = {}
        for name, one in literal.members:
            if name in members:
                raise invalid(f"Duplicate keys in tuple. Key: {name} under {where}")
            value = self.value(one, "root" if whole else f"{where}.{name}")
            if value is not None:
                members[name] = value
        return {"M": members}

    def _set(self, literal: BagLiteral, where: str) -> Value:
        if not literal.members:
            raise invalid("Empty bags are not supported")
        scalars = [one for one in literal.members if isinstance(one, Scalar) and one.kind in ("S", "N")]
        kinds = {one.kind for one in scalars}
        if len(scalars) < len(literal.members) or len(kinds) > 1:
            raise invalid(_IN_BAG)
        return _placed({f"{kinds.pop()}S": [one.content for one in scalars]}, where)


def _placed(value: Value, where: str) -> Value:
    try:
        return normalise(value)
    except AwsError as error:
        raise invalid(f"{error.message} under {where}") from None
