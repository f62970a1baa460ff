"""ImportTable, DescribeImport and ListImports: a new table of files in S3."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn, hex_id
from kumoi.services.dynamodb import dynamodb
from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.importer import LOG_GROUP
from kumoi.services.dynamodb.imports import IMPORT_TOPIC, Import, imports
from kumoi.services.dynamodb.naming import arn_of, table_name
from kumoi.services.dynamodb.operations.tables import planned, store_new
from kumoi.services.dynamodb.records import Table
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

MOST_LISTED = 25
TOLD = ("S3BucketSource", "InputFormat", "InputFormatOptions", "InputCompressionType", "TableCreationParameters")
LISTED = (
    *("ImportArn", "ImportStatus", "TableArn", "S3BucketSource", "CloudWatchLogGroupArn", "InputFormat"),
    *("StartTime", "EndTime"),
)
DELIMITERS = ",\t:;| "


@dynamodb.operation
async def import_table(
    call: Call,
    S3BucketSource: dict[str, str],
    InputFormat: str,
    TableCreationParameters: dict[str, Any],
    InputFormatOptions: dict[str, Any] | None = None,
    InputCompressionType: str = "NONE",
    ClientToken: str | None = None,
) -> dict[str, Any]:
    """Begin to make a table of the items in a bucket's files; a token of a known import answers that one."""
    if InputFormat == "ION":
        raise invalid("Kumoi imports DYNAMODB_JSON and CSV only.")
    if InputCompressionType == "ZSTD":
        raise invalid("Kumoi imports files without compression or with GZIP only.")
    options = InputFormatOptions or {}
    if options.get("Csv") and InputFormat != "CSV":
        raise invalid("InputFormatOptions of Csv can only be specified when InputFormat is CSV")
    if (options.get("Csv") or {}).get("Delimiter", ",") not in DELIMITERS:
        raise invalid("Delimiter must be a comma, tab, colon, semicolon, pipe or space")
    table = msgspec.structs.replace(planned(call, TableCreationParameters), restoring=True)
    asked = {name: call.params[name] for name in (*TOLD, "ClientToken") if call.params.get(name) is not None}
    asked["Types"] = TableCreationParameters["AttributeDefinitions"]
    found = await _begin(call.state, call, table, asked)
    return {"ImportTableDescription": _described(call, found)}


@transactional
async def _begin(tx: Transaction, call: Call, table: Table, asked: dict[str, Any]) -> Import:
    for known in await imports.list(tx) if "ClientToken" in asked else ():
        if known.asked.get("ClientToken") == asked["ClientToken"]:
            return known
    table = await store_new(tx, table)
    begun = Import(
        id=f"0{int(tx.now * 1000)}-{hex_id(8)}",
        table=table.name,
        uuid=table.uuid,
        caller=call.caller,
        begun=round(tx.now, 3),
        asked=asked,
    )
    await imports.put(tx, begun)
    tx.timer(tx.now, IMPORT_TOPIC, key=begun.id)
    return begun


@dynamodb.operation
async def describe_import(call: Call, ImportArn: str) -> dict[str, Any]:
    """An import."""
    try:
        arn = Arn.parse(ImportArn)
    except ValueError:
        raise _no_import(ImportArn) from None
    found = await _find(call.state, arn.resource.rpartition("/")[2])
    if found is None or str(arn) != _arn(call, found):
        raise _no_import(ImportArn)
    return {"ImportTableDescription": _described(call, found)}


@dynamodb.operation
async def list_imports(
    call: Call, TableArn: str | None = None, PageSize: int = MOST_LISTED, NextToken: str | None = None
) -> dict[str, Any]:
    """Imports into all tables or one, the latest first."""
    name = None if TableArn is None else table_name(call, TableArn)
    found = [one for one in await _list(call.state) if name in (None, one.table)]
    found = [one for one in reversed(found) if NextToken is None or one.id < NextToken]
    page = min(PageSize, MOST_LISTED)
    described = [_described(call, one) for one in found[:page]]
    answer: dict[str, Any] = {
        "ImportSummaryList": [{name: one[name] for name in LISTED if name in one} for one in described]
    }
    if len(found) > page:
        answer["NextToken"] = found[page - 1].id
    return answer


@transactional
async def _find(tx: Transaction, id: str) -> Import | None:
    return await imports.get(tx, id)


@transactional
async def _list(tx: Transaction) -> list[Import]:
    return await imports.list(tx)


def _no_import(ImportArn: str) -> AwsError:
    return aws_error("ImportNotFoundException", f"Import not found: {ImportArn}")


def _arn(call: Call, found: Import) -> str:
    return f"{arn_of(call, found.table)}/import/{found.id}"


def _described(call: Call, found: Import) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ImportArn": _arn(call, found),
        "ImportStatus": found.status,
        "TableArn": arn_of(call, found.table),
        "TableId": found.uuid,
        "CloudWatchLogGroupArn": call.arn("logs", f"log-group:{LOG_GROUP}:*"),
        "StartTime": found.begun,
        "ErrorCount": found.errors,
        "ProcessedSizeBytes": found.bytes,
        "ProcessedItemCount": found.processed,
        "ImportedItemCount": found.imported,
        **{name: found.asked[name] for name in (*TOLD, "ClientToken") if name in found.asked},
    }
    if found.ended is not None:
        told["EndTime"] = found.ended
    if found.failure_code:
        told |= {"FailureCode": found.failure_code, "FailureMessage": found.failure_message}
    return told
