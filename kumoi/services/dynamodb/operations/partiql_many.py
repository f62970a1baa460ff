"""BatchExecuteStatement, each statement on its own, and ExecuteTransaction, all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kumoi.doorway import Call
from kumoi.services.dynamodb import dynamodb
from kumoi.services.dynamodb.capacity import Consumed, ConsumedByTable, read_units
from kumoi.services.dynamodb.changes import key_of_change
from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.keys import Item, ItemKey, normalised_key
from kumoi.services.dynamodb.naming import find_table, table_name
from kumoi.services.dynamodb.operations.batch import DUPLICATES
from kumoi.services.dynamodb.operations.items import NONE, get
from kumoi.services.dynamodb.operations.partiql import Columns, parameters_of, returned_item, write
from kumoi.services.dynamodb.operations.transactions import REASONS, Action, get_all, transact
from kumoi.services.dynamodb.partiql.binding import Bound
from kumoi.services.dynamodb.partiql.plan import one_item
from kumoi.services.dynamodb.partiql.syntax import Exists, Select, Source
from kumoi.services.dynamodb.partiql.writes import change_of, check
from kumoi.services.dynamodb.records import Keys, Table
from kumoi.services.dynamodb.storage import Row
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError
from kumoi.wire.json_shapes import dumps

NO_KEY = "Select statements within {} must specify the primary key in the where clause."
CODES = REASONS | {"ResourceNotFoundException": "ResourceNotFound"}


@dataclass(slots=True)
class Part:
    """One statement of a batch: its table, the item it is about, or what is wrong with it."""

    asked: Mapping[str, Any]
    bound: Bound | None = None
    table: str = ""
    key: Item | None = None
    place: ItemKey | None = None
    error: AwsError | None = None

    @property
    def reads(self) -> bool:
        """Whether it is a SELECT."""
        return self.bound is not None and isinstance(self.bound.body, Select)


@dynamodb.operation
async def batch_execute_statement(
    call: Call, Statements: list[dict[str, Any]], ReturnConsumedCapacity: str = NONE
) -> dict[str, Any]:
    """Up to 25 reads, or up to 25 writes, of one item each; what fails does so for itself."""
    parts = [_parsed(asked) for asked in Statements]
    if len({part.reads for part in parts if part.error is None}) > 1:
        raise invalid("Read and write requests together in the same batch is not supported.")
    for part in parts:
        if part.error is None:
            try:
                await _locate(call, part)
            except AwsError as error:
                part.error = error
    places = [(part.table, part.place) for part in parts if part.place is not None]
    if len(set(places)) < len(places):
        raise invalid(DUPLICATES)
    consumed = ConsumedByTable()
    responses = [await _executed(call, part, consumed) for part in parts]
    consumed.meter(call, "read_units" if any(part.reads for part in parts) else "write_units")
    return {"Responses": responses, "ConsumedCapacity": consumed.told(ReturnConsumedCapacity)}


def _parsed(asked: Mapping[str, Any]) -> Part:
    part = Part(asked)
    try:
        part.bound = parameters_of(asked)
        if isinstance(part.bound.body, Exists):
            raise invalid("Unsupported operation: Exists")
        check(part.bound)
    except AwsError as error:
        part.error = error
    return part


async def _locate(call: Call, part: Part) -> None:
    """Find the item that a statement is about."""
    assert part.bound is not None
    body = part.bound.body
    assert not isinstance(body, Exists)
    table = await _table(call.state, table_name(call, body.source.table))
    if isinstance(body, Select):
        part.key = _key_read(part.bound, body, table.keys, "BatchExecuteStatement")
        _, part.place = normalised_key(table.keys, part.key)
    else:
        _, part.place = key_of_change(table, change_of(part.bound, table.keys))
    part.table = table.name


@transactional
async def _table(tx: Transaction, name: str) -> Table:
    return await find_table(tx, name)


def _key_read(bound: Bound, body: Select, keys: Keys, operation: str) -> Item:
    """The key of the one item that a SELECT reads."""
    found = None if body.source.index_name else one_item(body.where, keys, bound)
    if found is None or found[1] is not None:
        raise invalid(NO_KEY.format(operation))
    return found[0]


async def _executed(call: Call, part: Part, consumed: ConsumedByTable) -> dict[str, Any]:
    told: dict[str, Any] = {"TableName": part.table} if part.table else {}
    if part.error is not None:
        return told | {"Error": _error(part.error)}
    assert part.bound is not None
    body = part.bound.body
    try:
        if isinstance(body, Select):
            assert part.key is not None
            row = await get(call.state, part.table, part.key)
            consistent = bool(part.asked.get("ConsistentRead"))
            consumed.add(Consumed(part.table, read_units(row.size if row else 0, consistent=consistent)))
            item = None if row is None else _columns(part.bound, body, row)
        else:
            assert not isinstance(body, Exists)
            tell_old = part.asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            prepared, units = await write(call.state, part.table, part.bound, tell_old)
            consumed.add(units)
            item = returned_item(body, prepared)
    except AwsError as error:
        return told | {"Error": _error(error)}
    return told | ({"Item": item} if item else {})


def _error(error: AwsError) -> dict[str, Any]:
    told: dict[str, Any] = {"Code": CODES.get(error.code, error.code), "Message": error.message}
    item = error.members.get("Item")
    return told | ({"Item": item} if item else {})


def _columns(bound: Bound, body: Select, row: Row) -> Item:
    columns = [(name, bound.path(path)) for name, path in body.paths]
    return Columns(columns).of(row.item) if columns else row.item


@dynamodb.operation
async def execute_transaction(
    call: Call,
    TransactStatements: list[dict[str, Any]],
    ClientRequestToken: str | None = None,
    ReturnConsumedCapacity: str = NONE,
) -> dict[str, Any]:
    """Up to a hundred reads, or up to a hundred writes and EXISTS checks, of one item each: all of them or none."""
    bounds: list[Bound] = []
    for number, asked in enumerate(TransactStatements):
        try:
            bound = parameters_of(asked)
            _check_in_transaction(bound)
        except AwsError as error:
            raise _at(number, error) from None
        bounds.append(bound)
    if len({isinstance(bound.body, Select) for bound in bounds}) > 1:
        raise invalid("ExecuteTransaction API does not support both read and write operations in the same request.")
    tables = [table_name(call, _source_of(bound).table) for bound in bounds]
    keys = {name: (await _table(call.state, name)).keys for name in dict.fromkeys(tables)}
    if isinstance(bounds[0].body, Select):
        return await _read(call, bounds, tables, keys, ReturnConsumedCapacity)
    actions: list[Action] = []
    for number, (asked, bound, name) in enumerate(zip(TransactStatements, bounds, tables, strict=True)):
        tell_old = asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        try:
            actions.append(Action(name, name, change_of(bound, keys[name], tell_old=tell_old)))
        except AwsError as error:
            raise _at(number, error) from None
    digest = hashlib.sha256(dumps([TransactStatements, ReturnConsumedCapacity])).digest()
    consumed, _ = await transact(call, actions, ClientRequestToken, digest, ReturnConsumedCapacity)
    return {"Responses": [], "ConsumedCapacity": consumed}


def _at(number: int, error: AwsError) -> AwsError:
    return invalid(f"Validation failed in TransactStatements[{number}]: {error.message}")


def _source_of(bound: Bound) -> Source:
    return bound.body.select.source if isinstance(bound.body, Exists) else bound.body.source


def _check_in_transaction(bound: Bound) -> None:
    body = bound.body
    if isinstance(body, Select) and body.source.index_name:
        raise invalid("Reads on indices are not supported within transactions.")
    if isinstance(body, Exists) and body.select.source.index_name:
        raise invalid("Operations on indices are not supported in transactions")
    if getattr(body, "returning", NONE) != NONE:
        raise invalid("RETURNING clause is not supported in ExecuteTransaction.")
    check(bound)


async def _read(
    call: Call, bounds: Sequence[Bound], tables: Sequence[str], keys: Mapping[str, Keys], capacity: str
) -> dict[str, Any]:
    wanted: list[tuple[str, str, Item]] = []
    for number, (bound, name) in enumerate(zip(bounds, tables, strict=True)):
        assert isinstance(bound.body, Select)
        try:
            wanted.append((name, name, _key_read(bound, bound.body, keys[name], "ExecuteTransaction")))
        except AwsError as error:
            raise _at(number, error) from None
    rows = await get_all(call.state, wanted)
    consumed = ConsumedByTable()
    responses: list[dict[str, Any]] = []
    for bound, name, row in zip(bounds, tables, rows, strict=True):
        consumed.add(Consumed(name, 2 * read_units(row.size if row else 0, consistent=True)))
        assert isinstance(bound.body, Select)
        responses.append({} if row is None else {"Item": _columns(bound, bound.body, row)})
    consumed.meter(call, "read_units")
    return {"Responses": responses, "ConsumedCapacity": consumed.told(capacity, "ReadCapacityUnits")}
