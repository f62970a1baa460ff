"""What may be said of the storage of channels and data stores. Pure; source: the API reference's shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.presto.column_types import ColumnTypeError, hive_type
from kumoi.presto.joda import PatternError, strftime_pattern
from kumoi.services.iotanalytics.naming import invalid

_SERVICE_MANAGED = "serviceManagedS3"


def read_storage(storage: Mapping[str, Any] | None) -> dict[str, Any]:
    """The storage that is meant, with one member; service-managed where nothing is said."""
    if not storage:
        return {_SERVICE_MANAGED: {}}
    if len(storage) > 1:
        raise invalid(f"Exactly one storage type can be specified, not {', '.join(sorted(storage))}.")
    return dict(storage)


def service_managed(storage: Mapping[str, Any]) -> bool:
    """Whether the service keeps the bytes itself."""
    return _SERVICE_MANAGED in storage


def read_format(configuration: Mapping[str, Any] | None) -> dict[str, Any]:
    """The file format that is meant, with one member; JSON where nothing is said."""
    if not configuration:
        return {"jsonConfiguration": {}}
    if len(configuration) > 1:
        raise invalid("Exactly one file format can be specified.")
    columns = configuration.get("parquetConfiguration", {}).get("schemaDefinition", {}).get("columns", [])
    seen: set[str] = set()
    for column in columns:
        if column["name"].lower() in seen:
            raise invalid(f"The column {column['name']} is defined twice.")
        seen.add(column["name"].lower())
        try:
            hive_type(column["type"])
        except ColumnTypeError as error:
            raise invalid(f"The type of column {column['name']} is not valid: {error}") from None
    return dict(configuration)


def read_partitions(partitions: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Partitions as they are stored; None where there are none."""
    listed = (partitions or {}).get("partitions", [])
    seen: set[str] = set()
    for partition in listed:
        if len(partition) != 1:
            raise invalid("A partition is either an attributePartition or a timestampPartition.")
        (one,) = partition.values()
        if one["attributeName"].lower() in seen:
            raise invalid(f"The attribute {one['attributeName']} is partitioned by twice.")
        seen.add(one["attributeName"].lower())
        try:
            strftime_pattern(one.get("timestampFormat", ""))
        except PatternError as error:
            raise invalid(f"The timestamp format of {one['attributeName']} is not valid: {error}") from None
    if "__dt" in seen:
        raise invalid("Data stores are partitioned by __dt in any case.")
    return dict(partitions) if partitions and listed else None
