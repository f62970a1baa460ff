"""TransactWriteItems and TransactGetItems: all or nothing, in one transaction of the store.

Every condition is evaluated before the answer tells which failed. A write with a client's token is remembered for ten
minutes in its own transaction, so that a repetition has no further effect. What it answers are records that can be
stored (`kumoi.state.once`): changes hold parsed expressions, which cannot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from kumoi.doorway import Call
from kumoi.services.dynamodb import dynamodb
from kumoi.services.dynamodb.capacity import (
    Consumed,
    ConsumedByTable,
    collection_metrics,
    metrics_by_table,
    read_units,
)
from kumoi.services.dynamodb.changes import Change, Prepared, key_of_change, prepare, put_of, store
from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.expressions import Read, Write
from kumoi.services.dynamodb.keys import EmptyKey, Item, ItemKey, normalised_key
from kumoi.services.dynamodb.language.projections import Projection
from kumoi.services.dynamodb.naming import find_table, table_name
from kumoi.services.dynamodb.records import Table
from kumoi.services.dynamodb.storage import Row, answered, find
from kumoi.state import Transaction, transactional
from kumoi.state.space import Space
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.json_shapes import dumps

MOST_ACTIONS = 100
MOST_TRANSACTION_BYTES = 4 * 1024 * 1024
TOKEN_SECONDS = 600.0
TOKEN_AGES = "dynamodb.token_age"  # noqa: S105  (the name of a space)
TWO_ON_ONE = "Transaction request cannot include multiple operations on one item"
TOO_LARGE = (
    "Collection size of items exceeded, which can also be caused by the aggregate size of the items in the transaction "
    "exceeding the 4MB limit"
)
REASONS = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "DuplicateItemException": "DuplicateItem",
    "ValidationException": "ValidationError",
}


class Token(msgspec.Struct, frozen=True):
    """A finished transaction: the client's token, a digest of what was asked, when, and the sizes it wrote."""

    token: str
    digest: bytes
    finished: float
    sizes: list[tuple[str, int]]


tokens: Space[Token] = Space("dynamodb.token", Token, lambda token: (token.token,))


@dataclass(frozen=True, slots=True)
class Action:
    """One write of a transaction: the table as the caller wrote it, its name, and the change."""

    written: str
    table: str
    change: Change


class Done(NamedTuple):
    """A write that was made: the table as the caller wrote it, the item's key attributes, and what it consumed."""

    written: str
    table: Table
    key: dict[str, Any]
    consumed: Consumed


@dynamodb.operation
async def transact_write_items(
    call: Call,
    TransactItems: list[dict[str, Any]],
    ReturnConsumedCapacity: str = "NONE",
    ReturnItemCollectionMetrics: str = "NONE",
    ClientRequestToken: str | None = None,
) -> dict[str, Any]:
    """Make up to a hundred writes and checks, or none of them."""
    digest = hashlib.sha256(
        dumps([TransactItems, ReturnConsumedCapacity, ReturnItemCollectionMetrics])
    ).digest()  # before values are brought into canonical form
    actions = [_action(call, item) for item in TransactItems]
    consumed, outcome = await transact(call, actions, ClientRequestToken, digest, ReturnConsumedCapacity)
    metrics = ((one.written, collection_metrics(one.table, one.key, ReturnItemCollectionMetrics)) for one in outcome)
    return {"ConsumedCapacity": consumed, "ItemCollectionMetrics": metrics_by_table(metrics)}


async def transact(
    call: Call, actions: Sequence[Action], ClientRequestToken: str | None, digest: bytes, capacity: str
) -> tuple[list[dict[str, Any]] | None, list[Done]]:
    """Make all changes; (what that consumed, for the answer; what was done: nothing by a repetition)."""
    if sum(action.change.size for action in actions) > MOST_TRANSACTION_BYTES:
        raise invalid(TOO_LARGE)
    token = Token(ClientRequestToken, digest, call.now, []) if ClientRequestToken else None
    outcome = await write_all(call.state, actions, token)
    consumed = ConsumedByTable()
    if isinstance(outcome, Token):
        for written, size in outcome.sizes:
            consumed.add(Consumed(written, 2 * read_units(size, consistent=True)))
        consumed.meter(call, "read_units")
        return consumed.told(capacity, "ReadCapacityUnits"), []
    for one in outcome:
        one.consumed.table_name = one.written
        consumed.add(one.consumed)
    consumed.meter(call, "write_units")
    return consumed.told(capacity, "WriteCapacityUnits"), outcome


def _action(call: Call, item: Mapping[str, Any]) -> Action:
    given = [(kind, asked) for kind, asked in item.items() if asked is not None]
    if len(given) != 1:
        raise invalid(
            "TransactItems can only contain one of Check, Put, Update or Delete"
            if given
            else "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request"
        )
    kind, asked = given[0]
    name = table_name(call, asked["TableName"])
    names, values = asked.get("ExpressionAttributeNames"), asked.get("ExpressionAttributeValues")
    expressions = Write(
        condition=asked.get("ConditionExpression"), update=asked.get("UpdateExpression"), updates=kind == "Update"
    )
    expressions.check_mix(names, values)
    change = put_of(asked["Item"]) if kind == "Put" else Change(key=asked["Key"])
    update, condition = expressions.parse(names, values)
    change = msgspec.structs.replace(
        change,
        update=update,
        condition=condition,
        check_only=kind == "ConditionCheck",
        tell_old=asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
    )
    return Action(asked["TableName"], name, change)


@transactional
async def write_all(tx: Transaction, actions: Sequence[Action], token: Token | None = None) -> list[Done] | Token:
    """Make all changes, or raise TransactionCanceledException; the token's record where all was done before."""
    if token is not None and (known := await _known(tx, token)) is not None:
        return known
    tables: dict[str, Table] = {}
    for action in actions:
        if action.table not in tables:
            tables[action.table] = await find_table(tx, action.table)
    await _check_distinct(tables, actions)
    prepared: list[Prepared] = []
    failures: list[AwsError | None] = []
    for action in actions:
        try:
            prepared.append(await prepare(tx, tables[action.table], action.change))
            failures.append(None)
        except EmptyKey:
            raise
        except AwsError as error:
            failures.append(error)
    if any(failures):
        raise cancelled(failures)
    outcome = []
    for action, one in zip(actions, prepared, strict=True):
        consumed = await store(tx, one)
        consumed.table *= 2
        key = {name: one.key_attributes[name] for name in one.table.keys.names}
        outcome.append(Done(action.written, one.table, key, consumed))
    if token is not None:
        rows = [(action.written, one.new or one.old) for action, one in zip(actions, prepared, strict=True)]
        sizes = [(written, row.size if row else 0) for written, row in rows]
        await _forget_old(tx)
        await tokens.put(tx, msgspec.structs.replace(token, finished=tx.now, sizes=sizes))
        await tx.put((TOKEN_AGES, int(tx.now * 1000), token.token), b"")
    return outcome


async def _known(tx: Transaction, token: Token) -> Token | None:
    known = await tokens.get(tx, token.token)
    if known is None or known.finished + TOKEN_SECONDS <= tx.now:
        return None
    if known.digest != token.digest:
        raise aws_error(
            "IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request. "
            "Do not reuse a client token with different requests, unless the requests are identical",
        )
    return known


async def _forget_old(tx: Transaction) -> None:
    """Forget two of the tokens that are no longer good: more than a transaction adds."""
    horizon = (TOKEN_AGES, int((tx.now - TOKEN_SECONDS) * 1000))
    for row in await tx.range((TOKEN_AGES,), before=horizon, limit=2):
        await tx.delete(row.key)
        known = await tokens.get(tx, row.key[2])
        if known is not None and int(known.finished * 1000) == row.key[1]:
            await tokens.delete(tx, row.key[2])


async def _check_distinct(tables: Mapping[str, Table], actions: Sequence[Action]) -> None:
    seen: set[tuple[str, ItemKey]] = set()
    for action in actions:
        try:
            _, key = key_of_change(tables[action.table], action.change)
        except AwsError:
            continue  # told among the reasons of the cancellation
        if (action.table, key) in seen:
            raise invalid(TWO_ON_ONE)
        seen.add((action.table, key))


def cancelled(failures: Sequence[AwsError | None]) -> AwsError:
    """TransactionCanceledException with a reason for each action, in order."""
    reasons: list[dict[str, Any]] = []
    for failure in failures:
        if failure is None:
            reasons.append({"Code": "None"})
        else:
            reason = {"Code": REASONS.get(failure.code, failure.code), "Message": failure.message}
            reasons.append(reason | {name: value for name, value in failure.members.items() if value is not None})
    codes = ", ".join(reason["Code"] for reason in reasons)
    return aws_error(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=reasons,
    )


@dynamodb.operation
async def transact_get_items(
    call: Call, TransactItems: list[dict[str, Any]], ReturnConsumedCapacity: str = "NONE"
) -> dict[str, Any]:
    """Up to a hundred items as they are at one moment."""
    wanted: list[tuple[str, str, Item]] = []
    projections: list[Projection | None] = []
    for item in TransactItems:
        get = item["Get"]
        wanted.append((get["TableName"], table_name(call, get["TableName"]), get["Key"]))
        read, names = Read(None, get.get("ProjectionExpression")), get.get("ExpressionAttributeNames")
        read.check_mix(names)
        projections.append(read.parse(names))
    rows = await get_all(call.state, wanted)
    consumed = ConsumedByTable()
    responses: list[dict[str, Any]] = []
    for (written, _, _), row, projection in zip(wanted, rows, projections, strict=True):
        consumed.add(Consumed(written, 2 * read_units(row.size if row else 0, consistent=True)))
        if row is None:
            responses.append({})
        else:
            responses.append({"Item": answered(call, row) if projection is None else projection.of(row.item)})
    consumed.meter(call, "read_units")
    return {"Responses": responses, "ConsumedCapacity": consumed.told(ReturnConsumedCapacity, "ReadCapacityUnits")}


@transactional
async def get_all(tx: Transaction, wanted: Sequence[tuple[str, str, Item]]) -> list[Row | None]:
    """The items of several keys, as they are at one moment."""
    seen: set[tuple[str, ItemKey]] = set()
    rows: list[Row | None] = []
    failures: list[AwsError | None] = []
    for _, name, asked in wanted:
        table = await find_table(tx, name)
        try:
            _, key = normalised_key(table.keys, asked)
        except EmptyKey:
            raise
        except AwsError as error:
            failures.append(error)
            continue
        failures.append(None)
        if (name, key) in seen:
            raise invalid(TWO_ON_ONE)
        seen.add((name, key))
        rows.append(await find(tx, table.id, key))
    if any(failures):
        raise cancelled(failures)
    size = sum(row.size for row in rows if row)
    if size > MOST_TRANSACTION_BYTES:
        raise invalid(TOO_LARGE)
    return rows
