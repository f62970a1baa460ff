"""Which permissions DynamoDB's calls need: what acts on many items needs them on every table it names.

PartiQL has actions of its own. Source: "Actions, resources, and condition keys for Amazon DynamoDB" of the service
authorization reference, and "IAM policy conditions for fine-grained access control" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING, everything, resource_tags
from kumoi.names import Arn
from kumoi.policy import Policy, compile_policy
from kumoi.services.dynamodb.leading_keys import leading_keys
from kumoi.services.dynamodb.partiql.parser import parse_statement
from kumoi.services.dynamodb.partiql.syntax import Delete, Exists, Insert, Select, Update
from kumoi.services.dynamodb.records import Table
from kumoi.services.dynamodb.records import tables as records
from kumoi.services.dynamodb.resource_policies import policies
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

_ARNS = ("ResourceArn", "BackupArn", "SourceTableArn", "TableArn", "ExportArn", "ImportArn")
_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_PARTIQL = {Select: "Select", Insert: "Insert", Update: "Update", Delete: "Delete", Exists: "Select"}


def table_arn(call: Call, name: object, index: object = None) -> str:
    """The ARN of a table that is named by its name or ARN, or of one of its indexes."""
    text = str(name)
    table = text if text.startswith("arn:") else call.arn("dynamodb", f"table/{text}")
    return table if index is None else f"{table}/index/{index}"


def resource(call: Call) -> str:
    """The table, index, stream or backup that a call names."""
    params = call.params
    for member in _ARNS:
        value = params.get(member)
        if isinstance(value, str):
            return value
    named = params.get("TableName") or params.get("SourceTableName")
    return EVERYTHING if named is None else table_arn(call, named, params.get("IndexName"))


def tables(call: Call) -> list[str]:
    """The tables of a batch."""
    items = call.params.get("RequestItems")
    return [table_arn(call, name) for name in items] if isinstance(items, Mapping) else []


def imported(call: Call) -> str:
    """The table that an import makes."""
    asked = call.params.get("TableCreationParameters")
    return table_arn(call, asked.get("TableName")) if isinstance(asked, Mapping) else EVERYTHING


def transaction(call: Call) -> Iterator[Ask]:
    """The actions of a transaction's items, once for each table."""
    found = {
        (f"dynamodb:{_TRANSACTION[kind]}", table_arn(call, content.get("TableName")))
        for item in call.params.get("TransactItems") or ()
        if isinstance(item, Mapping)
        for kind, content in item.items()
        if kind in _TRANSACTION and isinstance(content, Mapping)
    }
    for action, table in sorted(found):
        yield Ask(action, table)


def statements(call: Call) -> Iterator[Ask]:
    """The actions of PartiQL statements; one that cannot be read is refused by the operation itself."""
    params = call.params
    many = params.get("Statements") or params.get("TransactStatements") or ()
    texts = [params.get("Statement"), *(one.get("Statement") for one in many if isinstance(one, Mapping))]
    found = set()
    for text in texts:
        with suppress(AwsError):
            body = parse_statement(str(text or "")).body
            source = body.select.source if isinstance(body, Exists) else body.source
            table = table_arn(call, source.table, source.index_name or None)
            found.add((f"dynamodb:PartiQL{_PARTIQL[type(body)]}", table))
    for action, table in sorted(found):
        yield Ask(action, table)


def restore(call: Call) -> Iterator[Ask]:
    """Reading the backup or the table, and making the new one."""
    yield from AUTHORIZATION.usual(call)
    yield Ask(AUTHORIZATION.action(call.operation), table_arn(call, call.params.get("TargetTableName")))


def context(call: Call) -> dict[str, Sequence[str]]:
    """DynamoDB's own condition keys, those of single parameters."""
    params = call.params
    members = (
        ("Select", "dynamodb:select"),
        ("ReturnValues", "dynamodb:returnvalues"),
        ("ReturnConsumedCapacity", "dynamodb:returnconsumedcapacity"),
    )
    keys: dict[str, Sequence[str]] = {key: (str(params[member]),) for member, key in members if member in params}
    if call.operation.startswith("Transact"):
        keys["dynamodb:enclosingoperation"] = (call.operation,)
    return keys


async def owned(call: Call, ask: Ask) -> Owned:
    """The account of a table, its tags, and the partition keys that the call touches."""
    try:
        place = Arn.parse(ask.resource)
    except ValueError:
        return Owned(call.account)
    kind, _, rest = place.resource.partition("/")
    name, _, below = rest.partition("/")
    table = None if kind != "table" else await _table(call.doorway.state.at(place.account, place.region), name)
    if table is None:
        return Owned(place.account)
    found_policies = await _policies(call.doorway.state.at(place.account, place.region), place, below)
    index = below.removeprefix("index/")
    keys = next((one.keys for one in table.indexes if one.name == index), table.keys)
    found = leading_keys(call.operation, call.params, (name, ask.resource), keys.hash)
    tags = resource_tags(table.tags)
    return Owned(place.account, found_policies, context={**tags, "dynamodb:leadingkeys": found} if found else tags)


@transactional
async def _table(tx: Transaction, name: str) -> Table | None:
    return await records.get(tx, name)


@transactional
async def _policies(tx: Transaction, place: Arn, below: str) -> tuple[Policy, ...]:
    """The policy of a stream, or that of a table, which is its indexes' too."""
    arn = str(place) if below.startswith("stream/") else str(place).removesuffix(f"/{below}")
    found = await policies.get(tx, arn)
    return () if found is None else (compile_policy(found.document, "resource", "resource policy"),)


AUTHORIZATION = Authorization(
    "dynamodb",
    resource=resource,
    resources={
        "BatchGetItem": tables,
        "BatchWriteItem": tables,
        "ImportTable": imported,
        "ListBackups": everything,
        "ListContributorInsights": everything,
        "ListExports": everything,
        "ListImports": everything,
        "ListTables": everything,
    },
    asks={
        "TransactWriteItems": transaction,
        "TransactGetItems": transaction,
        "ExecuteStatement": statements,
        "BatchExecuteStatement": statements,
        "ExecuteTransaction": statements,
        "RestoreTableFromBackup": restore,
        "RestoreTableToPointInTime": restore,
    },
    context=context,
    policy=owned,
)
