"""ExportTableToPointInTime, DescribeExport and ListExports: a table as it was at a moment, as files in S3."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.names import Arn, hex_id
from kumoi.services.dynamodb import dynamodb, journal
from kumoi.services.dynamodb.copying import Copy, begin
from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.exports import Export, exports
from kumoi.services.dynamodb.naming import arn_of, table_name
from kumoi.services.dynamodb.records import tables
from kumoi.services.dynamodb.storage import new_id
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

MOST_LISTED = 25
KEPT = ("S3BucketOwner", "S3SseAlgorithm", "S3SseKmsKeyId", "ClientToken")


@dynamodb.operation
async def export_table_to_point_in_time(
    call: Call,
    TableArn: str,
    S3Bucket: str,
    ExportTime: datetime | None = None,
    ClientToken: str | None = None,
    S3BucketOwner: str | None = None,
    S3Prefix: str = "",
    S3SseAlgorithm: str | None = None,
    S3SseKmsKeyId: str | None = None,
    ExportFormat: str = "DYNAMODB_JSON",
    ExportType: str = "FULL_EXPORT",
) -> dict[str, Any]:
    """Begin to export a table that has point-in-time recovery; a token of a known export answers that one."""
    if ExportFormat != "DYNAMODB_JSON":
        raise invalid("Kumoi exports tables as DYNAMODB_JSON only.")
    if ExportType != "FULL_EXPORT":
        raise invalid("Kumoi exports whole tables only: ExportType FULL_EXPORT.")
    asked = {name: str(call.params[name]) for name in KEPT if call.params.get(name) is not None}
    moment = call.now if ExportTime is None else ExportTime.timestamp()
    export = await _begin(call.state, call, table_name(call, TableArn), moment, (S3Bucket, S3Prefix), asked)
    return {"ExportDescription": _described(call, export)}


@transactional
async def _begin(
    tx: Transaction, call: Call, name: str, moment: float, place: tuple[str, str], asked: dict[str, str]
) -> Export:
    table = await tables.get(tx, name)
    if table is None or table.restoring:
        raise aws_error("TableNotFoundException", f"Table not found: {name}")
    for known in await exports.list(tx) if "ClientToken" in asked else ():
        if known.source.name == name and known.asked.get("ClientToken") == asked["ClientToken"]:
            return known
    if not table.recovery_days:
        raise aws_error(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{name}'",
        )
    if not max(table.recovery_since, tx.now - table.recovery_days * 86_400) <= moment <= tx.now:
        raise aws_error("InvalidExportTimeException", "ExportTime is outside of the window of point-in-time recovery.")
    export = Export(
        id=f"0{int(tx.now * 1000)}-{hex_id(8)}",
        source=table,
        rows=await new_id(tx),
        caller=call.caller,
        moment=moment,
        begun=round(tx.now, 3),
        bucket=place[0],
        prefix=place[1],
        asked=asked,
    )
    await exports.put(tx, export)
    since = await journal.before_time(tx, table.id, moment)
    await begin(tx, Copy(kind="export", target=(export.id,), rows=table.id, source=name, since=since))
    return export


@dynamodb.operation
async def describe_export(call: Call, ExportArn: str) -> dict[str, Any]:
    """An export."""
    try:
        arn = Arn.parse(ExportArn)
    except ValueError:
        raise _no_export(ExportArn) from None
    export = await _find(call.state, arn.resource.rpartition("/")[2])
    if export is None or str(arn) != _arn(call, export):
        raise _no_export(ExportArn)
    return {"ExportDescription": _described(call, export)}


@dynamodb.operation
async def list_exports(
    call: Call, TableArn: str | None = None, MaxResults: int = MOST_LISTED, NextToken: str | None = None
) -> dict[str, Any]:
    """Exports of all tables or one, the latest first."""
    name = None if TableArn is None else table_name(call, TableArn)
    found = [one for one in await _list(call.state) if name in (None, one.source.name)]
    found = [one for one in reversed(found) if NextToken is None or one.id < NextToken]
    page = min(MaxResults, MOST_LISTED)
    told = [
        {"ExportArn": _arn(call, one), "ExportStatus": one.status, "ExportType": "FULL_EXPORT"} for one in found[:page]
    ]
    answer: dict[str, Any] = {"ExportSummaries": told}
    if len(found) > page:
        answer["NextToken"] = found[page - 1].id
    return answer


@transactional
async def _find(tx: Transaction, id: str) -> Export | None:
    return await exports.get(tx, id)


@transactional
async def _list(tx: Transaction) -> list[Export]:
    return await exports.list(tx)


def _no_export(ExportArn: str) -> AwsError:
    return aws_error("ExportNotFoundException", f"Export not found: {ExportArn}")


def _arn(call: Call, export: Export) -> str:
    return f"{arn_of(call, export.source.name)}/export/{export.id}"


def _described(call: Call, export: Export) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ExportArn": _arn(call, export),
        "ExportStatus": export.status,
        "StartTime": export.begun,
        "TableArn": arn_of(call, export.source.name),
        "TableId": export.source.uuid,
        "ExportTime": export.moment,
        "S3Bucket": export.bucket,
        "S3SseAlgorithm": "AES256",
        "ExportFormat": "DYNAMODB_JSON",
        "ExportType": "FULL_EXPORT",
        **export.asked,
    }
    if export.prefix:
        told["S3Prefix"] = export.prefix
    if export.ended is not None:
        told["EndTime"] = export.ended
    if export.status == "COMPLETED":
        told |= {"ExportManifest": export.manifest, "BilledSizeBytes": export.bytes, "ItemCount": export.items}
    if export.failure_code:
        told |= {"FailureCode": export.failure_code, "FailureMessage": export.failure_message}
    return told
