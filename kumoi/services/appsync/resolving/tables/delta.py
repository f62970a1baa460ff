"""The delta table: a row for each change, by day and moment, that clients catch up from.

`ds_pk` is `<data source>:<day>`, `ds_sk` `<time>:<key>:<version>`; rows go after `deltaSyncTableTTL` minutes. Where
requests name a `customPartitionKey`, it ends `ds_pk`, and the plain keys are in `gsi_ds_pk` and `gsi_ds_sk`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from kumoi.epoch import moment_of
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.tables.table import Table
from kumoi.services.appsync.resolving.tables.values import plain

COLUMNS = ("ds_pk", "ds_sk", "gsi_ds_pk", "gsi_ds_sk")


def table_name(table: Table) -> str:
    """The delta table's name; raises FieldError where there is none."""
    name = (table.config.get("deltaSyncConfig") or {}).get("deltaSyncTableName")
    if not name:
        raise FieldError(f"{table.source} has no deltaSyncConfig.", "MappingTemplate")
    return str(name)


def minutes(table: Table, which: str) -> int:
    """How long rows (`deltaSyncTableTTL`) or deleted items (`baseTableTTL`) stay."""
    return int((table.config.get("deltaSyncConfig") or {}).get(which) or 0)


def partition(table: Table, moment: datetime, custom: Any = None) -> str:
    """The partition of a day."""
    own = f"{table.source}:{moment:%Y-%m-%d}"
    return f"{own}:{custom}" if custom else own


def time_of_day(moment: datetime) -> str:
    """How the sort keys of a moment begin."""
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def row(table: Table, request: Mapping[str, Any], key: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a change."""
    moment = moment_of(int(item["_lastChangedAt"]["N"]))
    custom = request.get("customPartitionKey")
    place = ":".join(str(plain(value)) for value in key.values())
    sort = f"{time_of_day(moment)}:{place}:{item['_version']['N']}"
    made = {
        **item,
        "ds_pk": {"S": partition(table, moment, custom)},
        "ds_sk": {"S": sort},
        "_ttl": {"N": str(int(moment.timestamp()) + 60 * minutes(table, "deltaSyncTableTTL"))},
    }
    if custom and request.get("populateIndexFields"):
        made |= {"gsi_ds_pk": {"S": partition(table, moment)}, "gsi_ds_sk": {"S": sort}}
    return made


def days(since: datetime, until: datetime) -> Iterator[datetime]:
    """The days from one moment to another; the first begins at the moment."""
    day = since
    while day <= until:
        yield day
        day = day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
