"""What an operation is asked in expressions, or in the legacy parameters they replaced, as one thing.

In: the members of a request. Out: conditions, updates and projections of `language/`, after DynamoDB's checks of what
may be said together. Rules: "Expressions" and "Legacy conditional parameters" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from kumoi.services.dynamodb.changes import Update
from kumoi.services.dynamodb.errors import invalid, invalid_values
from kumoi.services.dynamodb.keys import EmptyKey, Item, ItemKey, place
from kumoi.services.dynamodb.language import legacy
from kumoi.services.dynamodb.language.conditions import Condition, parse_condition
from kumoi.services.dynamodb.language.key_conditions import KeyCondition, parse_key_condition
from kumoi.services.dynamodb.language.key_plans import planned
from kumoi.services.dynamodb.language.placeholders import Names, Values
from kumoi.services.dynamodb.language.projections import Projection, parse_projection
from kumoi.services.dynamodb.language.updates import parse_update
from kumoi.services.dynamodb.language.values import normalise, sort_key_bytes
from kumoi.services.dynamodb.records import Keys
from kumoi.wire.errors import AwsError

NameMap = Mapping[str, str]


class Unchanged:
    """The update that changes nothing (but makes the item, if there is none)."""

    def apply(self, item: Item) -> tuple[Item, None]:
        """The item as it is."""
        return item, None


def normalised_item(item: Item) -> Item:
    """An item with its values in canonical form; ValidationException for what is no value."""
    return {name: normalise(value) for name, value in item.items()}


def normalised_start(ExclusiveStartKey: Item | None) -> Item | None:
    """An ExclusiveStartKey with its values in canonical form; None for none."""
    if not ExclusiveStartKey:
        return None
    try:
        return normalised_item(ExclusiveStartKey)
    except AwsError as error:
        raise invalid(f"The provided starting key is invalid: {error.message}") from None


def check_mix(
    legacy: Mapping[str, Any], expressions: Mapping[str, str | None], names: NameMap | None, values: Item | None
) -> None:
    """Refuse legacy parameters beside expressions, and placeholders without any expression.

    `legacy` and `expressions` are the operation's members, in the order in which DynamoDB names them.
    """
    old = [name for name, value in legacy.items() if value is not None]
    new = [name for name, text in expressions.items() if text is not None]
    if old and new:
        raise invalid(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(old)}}} Expression parameters: {{{', '.join(new)}}}"
        )
    if names is not None and not new:
        raise invalid("ExpressionAttributeNames can only be specified when using expressions")
    takers = [name for name in expressions if name != "ProjectionExpression"]
    if values is not None and not any(name in new for name in takers):
        verb = "is" if len(takers) == 1 else "are"
        raise invalid(
            "ExpressionAttributeValues can only be specified when using expressions: "
            f"{' and '.join(takers)} {verb} null"
        )


class Write(msgspec.Struct, frozen=True):
    """What PutItem, UpdateItem and DeleteItem (`updates` tells) ask beside the item or key."""

    expected: Mapping[str, Any] | None = None
    operator: str | None = None
    condition: str | None = None
    attribute_updates: Mapping[str, Any] | None = None
    update: str | None = None
    updates: bool = False

    def check_mix(self, names: NameMap | None, values: Item | None) -> None:
        """Refuse what may not be said together."""
        if self.expected is None and self.attribute_updates is None and names is None and values is None:
            return
        if self.updates:
            legacy: dict[str, Any] = {"AttributeUpdates": self.attribute_updates, "Expected": self.expected}
            expressions = {"UpdateExpression": self.update, "ConditionExpression": self.condition}
        else:
            legacy, expressions = {"Expected": self.expected}, {"ConditionExpression": self.condition}
        check_mix(legacy, expressions, names, values)

    def parse(self, names: NameMap | None, values: Item | None) -> tuple[Update | None, Condition | None]:
        """(the update, the condition), of expressions or legacy parameters."""
        update: Update | None = Unchanged() if self.updates else None
        condition: Condition | None = None
        if self.update is not None or self.condition is not None:
            known_names, known_values = Names(names), Values(values)
            if self.update is not None:
                update = parse_update(self.update, known_names, known_values)
            if self.condition is not None:
                condition = parse_condition(self.condition, known_names, known_values)
            known_names.check_used()
            known_values.check_used()
            return update, condition
        if self.expected:
            condition = legacy.parse_expected(self.expected, self.operator)
        if self.attribute_updates:
            update = legacy.parse_attribute_updates(self.attribute_updates)
        return update, condition


class Read(msgspec.Struct, frozen=True):
    """What is to be told of an item that is read."""

    attributes: list[str] | None
    projection: str | None

    def check_mix(self, names: NameMap | None) -> None:
        """Refuse what may not be said together."""
        if self.attributes is not None or names is not None:
            check_mix({"AttributesToGet": self.attributes}, {"ProjectionExpression": self.projection}, names, None)

    def parse(self, names: NameMap | None) -> Projection | None:
        """The projection, None for the whole item."""
        if self.projection is not None:
            known = Names(names)
            projection = parse_projection(self.projection, known)
            known.check_used()
            return projection
        return None if self.attributes is None else legacy.parse_attributes_to_get(self.attributes)


class Parsed(NamedTuple):
    """What Query or Scan is asked: the partition, the sort key's operator ("" for none) and operands, and so on."""

    key_condition: tuple[ItemKey, str, tuple[bytes, ...]]
    condition: Condition | None
    projection: Projection | None


class Selection(msgspec.Struct, frozen=True):
    """What Query or Scan is asked."""

    operation: str
    select: str | None
    attributes: list[str] | None
    projection: str | None
    filter: Mapping[str, Any] | None
    operator: str | None
    filter_expression: str | None
    key_conditions: Mapping[str, Any] | None = None
    key_expression: str | None = None
    index: str | None = None

    def check_mix(self, names: NameMap | None, values: Item | None) -> None:
        """Refuse what may not be said together."""
        old = (self.key_conditions, self.attributes, self.filter, self.operator)
        if self.key_expression is not None and old == (None, None, None, None):
            return  # expressions alone, one of which can take names and values
        legacy: dict[str, Any] = {
            "AttributesToGet": self.attributes,
            f"{self.operation}Filter": self.filter,
            "ConditionalOperator": self.operator,
        }
        expressions = {"ProjectionExpression": self.projection, "FilterExpression": self.filter_expression}
        if self.operation == "Query":
            legacy["KeyConditions"] = self.key_conditions
            expressions["KeyConditionExpression"] = self.key_expression
        check_mix(legacy, expressions, names, values)
        if self.operation == "Query" and self.key_conditions is None and self.key_expression is None:
            raise invalid(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
            )

    def check_select(self) -> None:
        """Refuse a Select that does not go with the rest."""
        named = "ProjectionExpression" if self.projection is not None else "AttributesToGet"
        if self.projection is None and self.attributes is None:
            if self.select == "SPECIFIC_ATTRIBUTES":
                raise invalid(
                    "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
                )
        elif self.select == "COUNT":
            raise invalid(f"Cannot specify the {named} when choosing to get only the Count")
        elif self.select not in (None, "SPECIFIC_ATTRIBUTES"):
            raise invalid(f"Cannot specify the {named} when choosing to get {self.select}")
        if self.select == "ALL_PROJECTED_ATTRIBUTES" and self.index is None:
            raise invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")

    def parse(self, names: NameMap | None, values: Item | None, keys: Keys | None = None) -> Parsed:
        """Parse the expressions or legacy parameters; `keys` of what is queried (None: a scan)."""
        if keys is not None and self.key_expression is not None and self._asks_only_keys:
            found = planned(self.key_expression, names, values, keys.hash, keys.range)
            if found is not None:
                return Parsed(_key_condition(found, keys), None, None)
        known_names, known_values = Names(names), Values(values)
        key: tuple[ItemKey, str, tuple[bytes, ...]] = (ItemKey(0, b""), "", ())
        if keys is not None and self.key_expression is not None:
            key = _key_condition(
                parse_key_condition(self.key_expression, known_names, known_values, keys.hash, keys.range), keys
            )
        elif keys is not None:
            key = _key_condition(legacy.parse_key_conditions(self.key_conditions or {}, keys.hash, keys.range), keys)
        condition: Condition | None = None
        if self.filter_expression is not None:
            condition = parse_condition(self.filter_expression, known_names, known_values, "FilterExpression")
        elif self.filter:
            condition = legacy.parse_filter(self.filter, self.operator)
        projection: Projection | None = None
        if self.projection is not None:
            projection = parse_projection(self.projection, known_names)
        elif self.attributes is not None:
            projection = legacy.parse_attributes_to_get(self.attributes)
        known_names.check_used()
        known_values.check_used()
        if keys is not None and condition is not None:
            self._check_filter(condition, keys)
        return Parsed(key, condition, projection)

    @property
    def _asks_only_keys(self) -> bool:
        """Whether nothing but a key condition uses names and values."""
        return (
            self.filter_expression is None and self.projection is None and self.attributes is None and not self.filter
        )

    def _check_filter(self, condition: Condition, keys: Keys) -> None:
        """Refuse a filter on the keys of what is queried."""
        filtered = [name for name in keys.names if name in condition.attributes]
        if filtered:
            which = "Filter Expression" if self.filter_expression is not None else "QueryFilter"
            raise invalid(f"{which} can only contain non-primary key attributes: Primary key attribute: {filtered[0]}")


def _key_condition(condition: KeyCondition, keys: Keys) -> tuple[ItemKey, str, tuple[bytes, ...]]:
    """A key condition as a partition and bounds on the sort key's bytes."""
    if keys.hash_type not in condition.hash_value:
        raise invalid_values("Condition parameter type does not match schema type")
    if any(keys.range_type not in value for value in condition.range_values):
        raise invalid_values("Condition parameter type does not match schema type")
    if not condition.hash_value[keys.hash_type]:
        raise EmptyKey(keys.hash_type, f"Key: {keys.hash}")
    operands = tuple(sort_key_bytes(value) for value in condition.range_values)
    return place(sort_key_bytes(condition.hash_value)), condition.range_operator, operands
