"""What a table may be made of: key schemas, indexes, throughput. In: CreateTable's and UpdateTable's members; out: the
typed records, or DynamoDB's refusal in the order in which it looks.

Rules: the API reference of CreateTable ("Errors"), "Service quotas" of the developer guide, and recorded answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kumoi.services.dynamodb.errors import invalid, invalid_values
from kumoi.services.dynamodb.records import Index, Keys, Throughput
from kumoi.wire.errors import AwsError, aws_error

_TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
MOST_UNITS = 1_000_000_000_000
MOST_LOCAL, MOST_GLOBAL, MOST_INCLUDED = 5, 20, 100


def attribute_types(definitions: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """AttributeDefinitions as types by name."""
    return {one["AttributeName"]: one["AttributeType"] for one in definitions or ()}


def billing_mode(BillingMode: str | None, ProvisionedThroughput: Mapping[str, int] | None) -> Throughput:
    """The throughput of a table in that billing mode; zeros on demand."""
    if BillingMode == "PAY_PER_REQUEST":
        if ProvisionedThroughput is not None:
            raise invalid_values(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        return Throughput()
    if ProvisionedThroughput is None:
        raise invalid_values(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    return throughput(ProvisionedThroughput)


def throughput(units: Mapping[str, int]) -> Throughput:
    """A ProvisionedThroughput within its bounds."""
    for name in ("ReadCapacityUnits", "WriteCapacityUnits"):
        if units[name] > MOST_UNITS:
            raise invalid(f"Given value {units[name]} for {name} is out of bounds")
    return Throughput(units["ReadCapacityUnits"], units["WriteCapacityUnits"])


def table_keys(KeySchema: Sequence[Mapping[str, str]], types: Mapping[str, str]) -> Keys:
    """The keys of a table."""
    names = [element["AttributeName"] for element in KeySchema]
    if len(set(names)) > len(types):
        raise invalid("Invalid KeySchema: Some index key attribute have no definition")
    keys = _keys(KeySchema, types)
    _check_defined(names, types)
    return keys


def _keys(schema: Sequence[Mapping[str, str]], types: Mapping[str, str]) -> Keys:
    """A key schema of one HASH element and at most one RANGE element, in this order."""
    if schema[0]["KeyType"] != "HASH":
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(schema) > 2:
        raise invalid("Kumoi's key schemas have one partition key and at most one sort key attribute.")
    if len(schema) == 2:
        if schema[0]["AttributeName"] == schema[1]["AttributeName"]:
            raise invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
        if schema[1]["KeyType"] != "RANGE":
            raise invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    found = [(element["AttributeName"], types.get(element["AttributeName"], "")) for element in schema]
    return Keys(*found[0], *(found[1] if len(found) == 2 else ()))


def _check_defined(names: Iterable[str], types: Mapping[str, str]) -> None:
    undefined = [name for name in names if name not in types]
    if undefined:
        raise invalid_values(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(undefined)}], AttributeDefinitions: [{', '.join(types)}]"
        )


def check_all_used(types: Mapping[str, str], keys: Keys, indexes: Sequence[Index]) -> None:
    """Refuse attribute definitions that no key uses."""
    used = {*keys.names, *(name for index in indexes for name in index.keys.names)}
    if used.issuperset(types):
        return
    if not indexes:
        raise invalid_values(
            "Number of attributes in KeySchema does not exactly match number of attributes defined "
            "in AttributeDefinitions"
        )
    raise invalid_values(
        "Some AttributeDefinitions are not used. "
        f"AttributeDefinitions: [{', '.join(types)}], keys used: [{', '.join(sorted(used))}]"
    )


def local_indexes(
    definitions: Sequence[Mapping[str, Any]] | None, table: Keys, types: Mapping[str, str]
) -> list[Index]:
    """The local secondary indexes that CreateTable names; their ids are yet to be given."""
    if definitions is None:
        return []
    if not definitions:
        raise invalid_values("List of LocalSecondaryIndexes is empty")
    if not table.range:
        raise invalid_values(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    found = [_local_index(definition, table, types) for definition in definitions]
    check_names(found)
    if len(found) > MOST_LOCAL:
        raise invalid_values(f"Number of LocalSecondaryIndexes exceeds per-table limit of {MOST_LOCAL}")
    return found


def _local_index(definition: Mapping[str, Any], table: Keys, types: Mapping[str, str]) -> Index:
    name = definition["IndexName"]
    _check_defined((element["AttributeName"] for element in definition["KeySchema"]), types)
    keys = _keys(definition["KeySchema"], types)
    if not keys.range:
        raise invalid_values(f"Index KeySchema does not have a range key for index: {name}")
    if keys.hash != table.hash:
        raise invalid_values(
            "Index KeySchema does not have the same leading hash key as table KeySchema "
            f"for index: {name}. index hash key: {keys.hash}, table hash key: {table.hash}"
        )
    projection, included = _projection(definition.get("Projection") or {})
    return Index(name=name, id=0, keys=keys, is_global=False, projection=projection, included=included)


def global_indexes(
    definitions: Sequence[Mapping[str, Any]] | None, types: Mapping[str, str], billing: str
) -> list[Index]:
    """The global secondary indexes that CreateTable names; their ids are yet to be given."""
    if definitions is None:
        return []
    if not definitions:
        raise invalid_values("List of GlobalSecondaryIndexes is empty")
    found = [global_index(definition, types, billing) for definition in definitions]
    check_names(found)
    if len(found) > MOST_GLOBAL:
        raise too_many_global()
    return found


def too_many_global() -> AwsError:
    """The refusal of a 21st global secondary index."""
    return invalid_values(f"GlobalSecondaryIndex count exceeds the per-table limit of {MOST_GLOBAL}")


def global_index(definition: Mapping[str, Any], types: Mapping[str, str], billing: str) -> Index:
    """One global secondary index; its id is yet to be given."""
    name = definition["IndexName"]
    _check_defined((element["AttributeName"] for element in definition["KeySchema"]), types)
    keys = _keys(definition["KeySchema"], types)
    projection, included = _projection(definition.get("Projection") or {})
    units = definition.get("ProvisionedThroughput")
    if billing == "PAY_PER_REQUEST" and units is not None:
        raise invalid_values(
            f"ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
        )
    if billing == "PROVISIONED" and units is None:
        raise invalid_values(f"ProvisionedThroughput must be specified for index: {name}")
    return Index(
        name=name,
        id=0,
        keys=keys,
        is_global=True,
        projection=projection,
        included=included,
        throughput=Throughput() if units is None else throughput(units),
        on_demand=on_demand(definition.get("OnDemandThroughput"), billing),
    )


def _projection(projection: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    kind, names = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise invalid_values("Unknown ProjectionType: null")
    if kind != "INCLUDE" and names is not None:
        raise invalid_values(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind == "INCLUDE" and not names:
        raise invalid_values("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    return kind, tuple(dict.fromkeys(names or ()))


def check_names(indexes: Sequence[Index]) -> None:
    """Refuse two indexes of one name, and more projected attributes than a table may have."""
    seen: set[str] = set()
    for index in indexes:
        if index.name in seen:
            raise invalid_values(f"Duplicate index name: {index.name}")
        seen.add(index.name)
    count = sum(len(index.included) for index in indexes)
    if count > MOST_INCLUDED:
        raise invalid_values(
            "NonKeyAttributes count exceeds the per-table limit of "
            f"{MOST_INCLUDED} over all indexes: {count} were specified"
        )


def on_demand(maxima: Mapping[str, int] | None, billing: str) -> dict[str, int]:
    """OnDemandThroughput: at least 1 each, and of on-demand tables alone."""
    if maxima is None:
        return {}
    if billing != "PAY_PER_REQUEST":
        raise invalid_values("OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST")
    for name, value in maxima.items():
        if value < 1 and value != -1:
            raise invalid_values(f"{name} must be greater than or equal to 1, or -1 to remove it")
    return {name: value for name, value in maxima.items() if value != -1}


def stream_view(specification: Mapping[str, Any] | None) -> str:
    """The view type of a StreamSpecification; empty when it asks for none."""
    if specification is None:
        return ""
    view: str | None = specification.get("StreamViewType")
    if not specification["StreamEnabled"]:
        if view is not None:
            raise invalid_values(
                "Table is being created with a stream disabled, UpdateViewType should not be specified"
            )
        return ""
    if view is None:
        raise invalid_values("StreamViewType must be specified when StreamEnabled is true")
    return view


def encryption(specification: Mapping[str, Any] | None, default_key: str) -> dict[str, Any]:
    """What is kept of an SSESpecification: the description of encryption with KMS, or nothing."""
    if not specification or not specification.get("Enabled"):
        return {}
    key = specification.get("KMSMasterKeyId", default_key)
    if specification.get("SSEType") == "AES256":
        raise invalid_values("SSEType AES256 is not supported")
    return {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}


def table_name_error(name: str) -> AwsError | None:
    """What is wrong with a table's name, if anything."""
    if _TABLE_NAME.fullmatch(name):
        return None
    if len(name) < 3:
        rule = "Member must have length greater than or equal to 3"
    elif len(name) > 255:
        rule = "Member must have length less than or equal to 255"
    else:
        rule = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    return aws_error(
        "ValidationException",
        f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: {rule}",
    )
