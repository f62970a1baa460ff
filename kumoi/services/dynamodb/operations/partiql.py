"""ExecuteStatement: one PartiQL statement, a SELECT a page at a time."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.dynamodb import dynamodb
from kumoi.services.dynamodb.capacity import Consumed, ConsumedByTable
from kumoi.services.dynamodb.changes import Prepared, prepare, store
from kumoi.services.dynamodb.errors import invalid, invalid_values
from kumoi.services.dynamodb.keys import Item
from kumoi.services.dynamodb.language.paths import Path, value_at
from kumoi.services.dynamodb.naming import find_table, table_name
from kumoi.services.dynamodb.operations.items import NONE, returned
from kumoi.services.dynamodb.operations.query import Answer, Source, consumed_by, fetches
from kumoi.services.dynamodb.partiql.binding import Bound
from kumoi.services.dynamodb.partiql.parser import parse_statement
from kumoi.services.dynamodb.partiql.plan import Plan, plan
from kumoi.services.dynamodb.partiql.syntax import Delete, Exists, Insert, OrderTerm, Select, Update
from kumoi.services.dynamodb.partiql.writes import change_of, check
from kumoi.services.dynamodb.reading import PAGE_BYTES, Page, Span, continued, partition, read_page, whole
from kumoi.services.dynamodb.storage import Row, row_key
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

WRONG_TOKEN = "NextToken does not match request"  # noqa: S105  (a message)


class Token(msgspec.Struct, frozen=True, array_like=True):
    """Where a SELECT goes on: of which statement, in which of its parts, behind which item (empty: at the start)."""

    digest: bytes
    part: int
    last: Item


@dataclass(frozen=True, slots=True)
class Columns:
    """What a SELECT tells of an item: the values that paths lead to, by the name each has in the answer."""

    paths: Sequence[tuple[str, Path]]

    def of(self, item: Item) -> Item:
        """The columns of an item; those that lead to nothing are left out."""
        found = ((name, value_at(item, path)) for name, path in self.paths)
        return {name: value for name, value in found if value is not None}


@dynamodb.operation
async def execute_statement(
    call: Call,
    Statement: str,
    Parameters: list[dict[str, Any]] | None = None,
    ConsistentRead: bool = False,
    NextToken: str | None = None,
    ReturnConsumedCapacity: str = NONE,
    Limit: int | None = None,
    ReturnValuesOnConditionCheckFailure: str = NONE,
) -> dict[str, Any]:
    """Read, insert, update or delete as a statement says."""
    bound = Bound(parse_statement(Statement), Parameters)
    body = bound.body
    if isinstance(body, Exists):
        raise invalid("Unsupported operation: Exists")
    if isinstance(body, Select):
        digest = hashlib.sha256(msgspec.msgpack.encode((Statement, Parameters))).digest()
        token = _token(NextToken, digest)
        return await _select(call, bound, body, token, Limit, ConsistentRead, ReturnConsumedCapacity)
    check(bound)
    name = table_name(call, body.source.table)
    prepared, consumed = await write(call.state, name, bound, ReturnValuesOnConditionCheckFailure == "ALL_OLD")
    consumed.table_name = name
    _meter(call, "write_units", consumed)
    item = returned_item(body, prepared)
    answer: dict[str, Any] = {"Items": [item] if item else []}
    if ReturnConsumedCapacity != NONE:
        answer["ConsumedCapacity"] = consumed.told(ReturnConsumedCapacity)
    return answer


@transactional
async def write(tx: Transaction, name: str, bound: Bound, tell_old: bool) -> tuple[Prepared, Consumed]:
    """Make the one change of a statement."""
    table = await find_table(tx, name)
    prepared = await prepare(tx, table, change_of(bound, table.keys, tell_old=tell_old))
    return prepared, await store(tx, prepared)


def returned_item(body: Insert | Update | Delete, prepared: Prepared) -> Item | None:
    """What a RETURNING clause asks for."""
    return None if isinstance(body, Insert) else returned(prepared, body.returning)


def _meter(call: Call, unit: str, consumed: Consumed) -> None:
    """Bill a statement, which names its table within."""
    by_table = ConsumedByTable()
    by_table.add(consumed)
    by_table.meter(call, unit)


async def _select(
    call: Call,
    bound: Bound,
    body: Select,
    token: Token,
    limit: int | None,
    consistent: bool,
    capacity: str,
) -> dict[str, Any]:
    condition = bound.condition(body.where)
    name = table_name(call, body.source.table)
    source = await _source(call.state, name, body.source.index_name, consistent)
    planned = plan(body.where, source.keys, bound)
    if planned.parts is not None:
        condition = bound.condition(planned.rest)
    _check_projected(source, planned, bound)
    spans = _spans(source, planned, body)
    columns = [(name, bound.path(path)) for name, path in body.paths]
    base = None
    if source.index is not None and fetches(source, source.index, None, [str(path[0]) for _, path in columns]):
        base = source.table.id
    answer = Answer(call, condition, Columns(columns) if columns else None, count_only=False)
    page, further = await _pages(call, source, spans, token, limit, answer, base)
    told: dict[str, Any] = {"Items": answer.items}
    if further is not None:
        if further.last:
            told["LastEvaluatedKey"] = further.last
        told["NextToken"] = base64.urlsafe_b64encode(msgspec.msgpack.encode(further)).decode()
    consumed = consumed_by(name, source, page, consistent)
    _meter(call, "read_units", consumed)
    if capacity != NONE:
        told["ConsumedCapacity"] = consumed.told(capacity)
    return told


@transactional
async def _source(tx: Transaction, name: str, index_name: str, consistent: bool) -> Source:
    """What is read; the refusals are not in Query's words."""
    table = await find_table(tx, name)
    if not index_name:
        return Source(table)
    index = table.index(index_name)
    if index is None:
        raise invalid("The table does not have the specified index")
    if consistent and index.is_global:
        raise invalid("Strongly consistent read is not supported on Global Secondary Indexes")
    if index.backfilling:
        raise invalid(f"Cannot read from backfilling global secondary index: {index_name}")
    return Source(table, index)


def _check_projected(source: Source, planned: Plan, bound: Bound) -> None:
    """Refuse to filter the partitions of an index by attributes that it does not hold."""
    held = None if source.index is None else source.index.projected(source.table.keys)
    condition = bound.condition(planned.rest)
    if source.index is None or held is None or condition is None or planned.parts is None or planned.alternatives:
        return
    missing = sorted(condition.attributes - held)
    if missing:
        raise invalid_values(
            f"Secondary index {source.index.name} does not project one or more filter attributes: "
            f"[{', '.join(missing)}]"
        )


def _spans(source: Source, planned: Plan, body: Select) -> list[Span]:
    """The ranges of rows to read, in the order asked for."""
    order = {term.name: term for term in body.order}
    if body.order:
        _check_order(body.order, source, planned, has_where=body.where is not None)
    if planned.parts is None:
        return [whole(source.id)]
    parts = list(planned.parts)
    by_hash, by_range = order.get(source.keys.hash), order.get(source.keys.range)
    if by_hash is not None:
        parts.sort(key=lambda part: part.key.hash, reverse=by_hash.descending)
    reverse = by_range is not None and by_range.descending
    return [partition(source.id, part.key, part.operator, part.operands, reverse=reverse) for part in parts]


def _check_order(order: Sequence[OrderTerm], source: Source, planned: Plan, *, has_where: bool) -> None:
    if not has_where:
        raise invalid("Must have WHERE clause in the statement when using ORDER BY clause.")
    names = [term.name for term in order]
    for name in names:
        if name not in source.keys.names:
            raise invalid(f"Variable reference {name} in ORDER BY clause must be part of the primary key")
    if planned.parts is None:
        raise invalid(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
        )
    if len({part.key for part in planned.parts}) > 1 and source.keys.hash not in names:
        raise invalid(
            "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause."
        )


async def _pages(
    call: Call,
    source: Source,
    spans: Sequence[Span],
    token: Token,
    limit: int | None,
    answer: Answer,
    base: int | None,
) -> tuple[Page, Token | None]:
    """Read up to `limit` rows or a megabyte of all ranges; what was read, and where to go on."""
    total = Page()
    if token.part >= len(spans):
        raise invalid(WRONG_TOKEN)
    start = _start(source, token)
    for number in range(token.part, len(spans)):
        span = continued(spans[number], start if number == token.part else None)
        left = None if limit is None else limit - total.scanned
        page = await read_page(call.state, span, left, answer.take, base=base)
        total.scanned += page.scanned
        total.size += page.size
        total.fetched_steps += page.fetched_steps
        if page.last is not None:
            return total, Token(token.digest, number, _key_of(source, page.last))
        if total.size >= PAGE_BYTES and number + 1 < len(spans):
            return total, Token(token.digest, number + 1, {})
    return total, None


def _key_of(source: Source, row: Row) -> Item:
    return {name: row.item[name] for name in source.names}


def _start(source: Source, token: Token) -> Any:
    """The key of the row behind which a SELECT goes on; None for the start of the part."""
    if not token.last:
        return None
    try:
        position = source.position(token.last)
    except (AwsError, KeyError):
        raise invalid(WRONG_TOKEN) from None
    if position is None:
        raise invalid(WRONG_TOKEN)
    return row_key(source.id, position)


def _token(NextToken: str | None, digest: bytes) -> Token:
    if NextToken is None:
        return Token(digest, 0, {})
    try:
        token = msgspec.msgpack.decode(base64.b64decode(NextToken, b"-_", validate=True), type=Token)
    except (ValueError, msgspec.MsgspecError):
        raise invalid(WRONG_TOKEN) from None
    if token.digest != digest or token.part < 0:
        raise invalid(WRONG_TOKEN)
    return token


def parameters_of(statement: Mapping[str, Any]) -> Bound:
    """One statement of several, bound."""
    return Bound(parse_statement(statement["Statement"]), statement.get("Parameters"))
