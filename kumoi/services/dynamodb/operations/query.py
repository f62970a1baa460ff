"""Query and Scan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from kumoi.doorway import Call
from kumoi.services.dynamodb import dynamodb
from kumoi.services.dynamodb.capacity import Consumed, read_units
from kumoi.services.dynamodb.errors import WRONG_KEY, invalid, invalid_values
from kumoi.services.dynamodb.expressions import Selection, normalised_start
from kumoi.services.dynamodb.keys import EntryKey, Item, ItemKey, index_key, normalised_key
from kumoi.services.dynamodb.language.conditions import Condition
from kumoi.services.dynamodb.language.projections import Projection
from kumoi.services.dynamodb.naming import located, there
from kumoi.services.dynamodb.reading import Page, Span, continued, in_segment, partition, read_page, whole
from kumoi.services.dynamodb.records import Index, Keys, Table, tables
from kumoi.services.dynamodb.storage import Row, answered, row_key
from kumoi.state import State
from kumoi.wire.errors import AwsError
from kumoi.wire.json_shapes import Written

NONE = "NONE"


class Source(msgspec.Struct, frozen=True, gc=False):
    """What is read: a table, or an index of it."""

    table: Table
    index: Index | None = None

    @property
    def id(self) -> int:
        """The number its rows lie under."""
        return self.index.id if self.index is not None else self.table.id

    @property
    def keys(self) -> Keys:
        """The keys its rows are ordered by."""
        return self.index.keys if self.index is not None else self.table.keys

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes that tell where a row lies: the index's keys and the table's."""
        return tuple(dict.fromkeys((*self.keys.names, *self.table.keys.names)))

    def position(self, item: Item) -> ItemKey | EntryKey | None:
        """Where the row with these key attributes lies; None when they make none."""
        key = normalised_key(self.table.keys, {name: item[name] for name in self.table.keys.names})[1]
        return key if self.index is None else index_key(self.index, item, key)


class Shape(Protocol):
    """What is told of an item."""

    def of(self, item: Item) -> Item:
        """That part of the item."""


@dataclass(slots=True)
class Answer:
    """What a page of rows becomes: counted, filtered, projected."""

    call: Call
    condition: Condition | None
    projection: Shape | None
    count_only: bool
    items: list[Written | Item] = field(default_factory=list)
    count: int = 0

    def take(self, row: Row) -> None:
        """One more row."""
        if self.condition is not None and not self.condition.holds(row.item):
            return
        self.count += 1
        if not self.count_only:
            shown = answered(self.call, row) if self.projection is None else self.projection.of(row.item)
            self.items.append(shown)


@dynamodb.operation
async def query(
    call: Call,
    TableName: str,
    IndexName: str | None = None,
    Select: str | None = None,
    AttributesToGet: list[str] | None = None,
    Limit: int | None = None,
    ConsistentRead: bool = False,
    KeyConditions: dict[str, Any] | None = None,
    QueryFilter: dict[str, Any] | None = None,
    ConditionalOperator: str | None = None,
    ScanIndexForward: bool = True,
    ExclusiveStartKey: Item | None = None,
    ReturnConsumedCapacity: str = NONE,
    ProjectionExpression: str | None = None,
    FilterExpression: str | None = None,
    KeyConditionExpression: str | None = None,
    ExpressionAttributeNames: dict[str, str] | None = None,
    ExpressionAttributeValues: Item | None = None,
) -> dict[str, Any]:
    """The items of one partition, in the order of the sort key, a page at a time."""
    state, name = located(call, TableName)
    asked = Selection(
        "Query",
        Select,
        AttributesToGet,
        ProjectionExpression,
        QueryFilter,
        ConditionalOperator,
        FilterExpression,
        KeyConditions,
        KeyConditionExpression,
        IndexName,
    )
    asked.check_mix(ExpressionAttributeNames, ExpressionAttributeValues)
    start = normalised_start(ExclusiveStartKey)
    asked.check_select()
    source = await _source(state, name, IndexName, ConsistentRead)
    parsed = asked.parse(ExpressionAttributeNames, ExpressionAttributeValues, source.keys)
    hash_key, operator, operands = parsed.key_condition
    span = partition(source.id, hash_key, operator, operands, reverse=not ScanIndexForward)
    if start is not None:
        position = _start(source, start, "The provided starting key is invalid")
        if position.hash != hash_key.hash:
            raise invalid("The provided starting key is outside query boundaries based on provided conditions")
        if not satisfies(position.range, operator, operands):
            raise invalid("The provided starting key does not match the range key predicate")
        span = continued(span, row_key(source.id, position))
    return await _page(
        call,
        state,
        TableName,
        source,
        span,
        Limit,
        asked,
        parsed.condition,
        parsed.projection,
        ConsistentRead,
        ReturnConsumedCapacity,
    )


@dynamodb.operation
async def scan(
    call: Call,
    TableName: str,
    IndexName: str | None = None,
    AttributesToGet: list[str] | None = None,
    Limit: int | None = None,
    Select: str | None = None,
    ScanFilter: dict[str, Any] | None = None,
    ConditionalOperator: str | None = None,
    ExclusiveStartKey: Item | None = None,
    ReturnConsumedCapacity: str = NONE,
    TotalSegments: int | None = None,
    Segment: int | None = None,
    ProjectionExpression: str | None = None,
    FilterExpression: str | None = None,
    ExpressionAttributeNames: dict[str, str] | None = None,
    ExpressionAttributeValues: Item | None = None,
    ConsistentRead: bool = False,
) -> dict[str, Any]:
    """The items of a table or index, or of a segment of it, a page at a time."""
    state, name = located(call, TableName)
    asked = Selection(
        "Scan",
        Select,
        AttributesToGet,
        ProjectionExpression,
        ScanFilter,
        ConditionalOperator,
        FilterExpression,
        index=IndexName,
    )
    asked.check_mix(ExpressionAttributeNames, ExpressionAttributeValues)
    start = normalised_start(ExclusiveStartKey)
    segment, segments = _segment(Segment, TotalSegments)
    asked.check_select()
    source = await _source(state, name, IndexName, ConsistentRead)
    parsed = asked.parse(ExpressionAttributeNames, ExpressionAttributeValues)
    span = whole(source.id, segment, segments)
    if start is not None:
        position = _start(source, start, f"The provided starting key is invalid: {WRONG_KEY}")
        if not in_segment(position, segment, segments):
            raise invalid(
                "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
                f"correct Segment. TotalSegments: {segments} Segment: {segment}"
            )
        span = continued(span, row_key(source.id, position))
    return await _page(
        call,
        state,
        TableName,
        source,
        span,
        Limit,
        asked,
        parsed.condition,
        parsed.projection,
        ConsistentRead,
        ReturnConsumedCapacity,
    )


def _segment(Segment: int | None, TotalSegments: int | None) -> tuple[int, int]:
    if Segment is None and TotalSegments is None:
        return 0, 1
    if TotalSegments is None:
        raise invalid(
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present"
        )
    if Segment is None:
        raise invalid(
            "The Segment parameter is required but was not present in the request "
            "when parameter TotalSegments is present"
        )
    if Segment >= TotalSegments:
        raise invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {Segment} is not less than TotalSegments: {TotalSegments}"
        )
    return Segment, TotalSegments


async def _source(state: State, name: str, index_name: str | None, consistent: bool) -> Source:
    table = there(await tables.look(state, name))
    if index_name is None:
        return Source(table)
    index = table.index(index_name)
    if index is None:
        raise invalid(f"The table does not have the specified index: {index_name}")
    if consistent and index.is_global:
        raise invalid("Consistent reads are not supported on global secondary indexes")
    if index.backfilling:
        raise invalid(f"Cannot read from backfilling global secondary index: {index_name}")
    return Source(table, index)


def _start(source: Source, start: Item, message: str) -> ItemKey | EntryKey:
    """Where the row of an ExclusiveStartKey lies (it need not be there any more)."""
    position = None
    if start.keys() == set(source.names):
        try:
            position = source.position(start)
        except AwsError:
            raise invalid(message) from None
    if position is None:
        raise invalid(message)
    return position


def satisfies(range_bytes: bytes, operator: str, operands: tuple[bytes, ...]) -> bool:
    """Whether a sort key satisfies a key condition's operator ("" for none)."""
    tests: dict[str, Callable[[], bool]] = {
        "": lambda: True,
        "=": lambda: range_bytes == operands[0],
        "<": lambda: range_bytes < operands[0],
        "<=": lambda: range_bytes <= operands[0],
        ">": lambda: range_bytes > operands[0],
        ">=": lambda: range_bytes >= operands[0],
        "BETWEEN": lambda: operands[0] <= range_bytes <= operands[1],
        "begins_with": lambda: range_bytes.startswith(operands[0]),
    }
    return tests[operator]()


async def _page(
    call: Call,
    state: State,
    table_name: str,
    source: Source,
    span: Span,
    limit: int | None,
    asked: Selection,
    condition: Condition | None,
    projection: Projection | None,
    consistent: bool,
    capacity: str,
) -> dict[str, Any]:
    """Read a page and answer it."""
    answer = Answer(call, condition, projection, asked.select == "COUNT")
    base = None
    if source.index is not None:
        named = projection.names if projection is not None else ()
        base = source.table.id if fetches(source, source.index, asked.select, named) else None
    page = await read_page(state, span, limit, answer.take, base=base)
    told: dict[str, Any] = {} if answer.count_only else {"Items": answer.items}
    told |= {"Count": answer.count, "ScannedCount": page.scanned}
    if page.last is not None:
        last = page.last.item
        told["LastEvaluatedKey"] = {name: last[name] for name in source.names}
    consumed = consumed_by(table_name, source, page, consistent)
    consumed.meter(call, "read_units")
    if capacity != NONE:
        told["ConsumedCapacity"] = consumed.told(capacity)
    return told


def fetches(source: Source, index: Index, select: str | None, named: Iterable[str]) -> bool:
    """Whether the items of the table are needed for what is asked of an index: only a local one may fetch them."""
    held = index.projected(source.table.keys)
    if held is None:
        return False
    if select == "ALL_ATTRIBUTES":
        if index.is_global:
            raise invalid_values(
                f"Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} "
                "because its projection type is not ALL"
            )
        return True
    missing = [name for name in named if name not in held]
    if missing and index.is_global:
        raise invalid_values(f"Global secondary index {index.name} does not project [{', '.join(missing)}]")
    return bool(missing)


def consumed_by(table_name: str, source: Source, page: Page, consistent: bool) -> Consumed:
    """What reading a page consumed."""
    units = read_units(page.size, consistent=consistent)
    if source.index is None:
        return Consumed(table_name, units)
    consumed = Consumed(table_name, page.fetched_steps * (1.0 if consistent else 0.5))
    consumed.add_index(source.index, units)
    return consumed
