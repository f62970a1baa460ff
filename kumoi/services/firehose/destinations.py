"""Destinations: configurations checked and completed, changed, and told; pure.

A destination is kept as its description tells it, so that what was left out reads as AWS's defaults do.
Source: "ExtendedS3DestinationConfiguration" and "HttpEndpointDestinationConfiguration" of the API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from kumoi.services.firehose.compression import EXTENSIONS
from kumoi.services.firehose.errors import invalid, unbuilt
from kumoi.services.firehose.prefixes import check_prefixes, partition_keys
from kumoi.services.firehose.processors import Processing, processing_of
from kumoi.services.firehose.records import DESTINATION_ID, DeliveryStream, Destination

_UNBUILT = {
    "Redshift": "Redshift",
    "Elasticsearch": "Elasticsearch",
    "Amazonopensearchservice": "OpenSearch Service",
    "AmazonOpenSearchServerless": "OpenSearch Serverless",
    "Splunk": "Splunk",
    "Snowflake": "Snowflake",
    "Iceberg": "Apache Iceberg tables",
}
_BUILT: tuple[Destination, ...] = ("ExtendedS3", "S3", "HttpEndpoint")
_HINTS = {"SizeInMBs": 5, "IntervalInSeconds": 300}
_LARGE, _LEAST_LARGE = 128, 64
_PLAIN = {"NoEncryptionConfig": "NoEncryption"}
_LOCAL = re.compile(r"http://(?:localhost|127\.0\.0\.1|\[::1\]|[a-z0-9.-]+\.localhost)(?::\d+)?(?:/.*)?", re.IGNORECASE)


class Given(NamedTuple):
    """A destination as a request configures or changes it."""

    kind: Destination
    settings: dict[str, Any]


def given_destination(members: Mapping[str, Any], word: str) -> Given:
    """The destination of a request whose members end in `word`; InvalidArgumentException unless there is one."""
    named = [name.removesuffix(word) for name in members if name.endswith(word) and members[name] is not None]
    missing = [_UNBUILT[name] for name in named if name in _UNBUILT]
    if missing:
        raise unbuilt(f"does not deliver to {missing[0]}: it delivers to S3 and to HTTP endpoints")
    if len(named) != 1:
        raise invalid("Exactly one destination configuration is supported for a Firehose")
    kind = next(one for one in _BUILT if one == named[0])
    return Given(kind, members[f"{kind}{word}"])


def completed(given: Given) -> dict[str, Any]:
    """A destination with what was left out; InvalidArgumentException where it cannot be."""
    made = _http(given.settings) if given.kind == "HttpEndpoint" else _s3(given.settings, given.kind == "ExtendedS3")
    check(given.kind, made)
    return made


def _s3(settings: Mapping[str, Any], extended: bool) -> dict[str, Any]:
    large = _enabled(settings, "DataFormatConversionConfiguration") or _enabled(
        settings, "DynamicPartitioningConfiguration"
    )
    hints = {**_HINTS, "SizeInMBs": _LARGE} if large else _HINTS
    made = {
        **settings,
        "BufferingHints": {**hints, **(settings.get("BufferingHints") or {})},
        "CompressionFormat": settings.get("CompressionFormat") or "UNCOMPRESSED",
        "EncryptionConfiguration": settings.get("EncryptionConfiguration") or _PLAIN,
        "CloudWatchLoggingOptions": settings.get("CloudWatchLoggingOptions") or {"Enabled": False},
    }
    if extended:
        made["S3BackupMode"] = settings.get("S3BackupMode") or "Disabled"
        backup = made.pop("S3BackupConfiguration", None) or made.pop("S3BackupUpdate", None)
        if backup is not None:
            made["S3BackupDescription"] = _s3(backup, False)
    return made


def _http(settings: Mapping[str, Any]) -> dict[str, Any]:
    made = {
        **settings,
        "BufferingHints": {**_HINTS, **(settings.get("BufferingHints") or {})},
        "CloudWatchLoggingOptions": settings.get("CloudWatchLoggingOptions") or {"Enabled": False},
        "RequestConfiguration": {"ContentEncoding": "NONE", **(settings.get("RequestConfiguration") or {})},
        "RetryOptions": {"DurationInSeconds": 300, **(settings.get("RetryOptions") or {})},
        "S3BackupMode": settings.get("S3BackupMode") or "FailedDataOnly",
    }
    made["S3DestinationDescription"] = _s3(made.pop("S3Configuration"), False)
    return made


def changed(stream: DeliveryStream, given: Given) -> dict[str, Any]:
    """A stream's destination with the members of an update; members that it leaves out stay."""
    kinds = {"S3": "ExtendedS3"}
    if kinds.get(given.kind, given.kind) != kinds.get(stream.kind, stream.kind):
        raise invalid(f"Changing the destination type to or from {given.kind} is not supported at this time.")
    settings = dict(given.settings)
    made = {**stream.destination, **settings}
    if "BufferingHints" in settings:
        made["BufferingHints"] = {**stream.destination["BufferingHints"], **settings["BufferingHints"]}
    for member, told in (("S3BackupUpdate", "S3BackupDescription"), ("S3Update", "S3DestinationDescription")):
        if member in settings:
            made[told] = _s3({**(stream.destination.get(told) or {}), **made.pop(member)}, False)
    if "RequestConfiguration" in settings:
        made["RequestConfiguration"] = {"ContentEncoding": "NONE", **settings["RequestConfiguration"]}
    partitioned = _enabled(stream.destination, "DynamicPartitioningConfiguration")
    if partitioned != _enabled(made, "DynamicPartitioningConfiguration"):
        raise invalid("Enabling or disabling dynamic partitioning is not supported in UpdateDestination operation")
    if stream.destination.get("S3BackupMode") == "Enabled" and made.get("S3BackupMode") == "Disabled":
        raise invalid("S3 backup mode cannot be disabled once it is enabled.")
    check(stream.kind, made)
    return made


def check(kind: Destination, made: Mapping[str, Any]) -> None:
    """InvalidArgumentException for a destination that cannot be."""
    processing = processing_of(made.get("ProcessingConfiguration"))
    if kind == "HttpEndpoint":
        _check_http(made)
        if processing.query:
            raise invalid("MetadataExtraction processor can only be present when Dynamic Partitioning is enabled")
        _check_place(made["S3DestinationDescription"])
        return
    _check_place(made)
    if made.get("S3BackupMode") == "Enabled":
        if "S3BackupDescription" not in made:
            raise invalid("S3BackupConfiguration must be provided when S3BackupMode is Enabled")
        _check_place(made["S3BackupDescription"])
    _check_partitioning(made, processing)
    _check_conversion(made)


def _check_place(made: Mapping[str, Any]) -> None:
    form = made["CompressionFormat"]
    if form not in EXTENSIONS:
        raise unbuilt(f"does not compress with {form}: it knows {', '.join(sorted(EXTENSIONS))}")
    check_prefixes(made.get("Prefix") or "", made.get("ErrorOutputPrefix"), made.get("CustomTimeZone") or "UTC")
    logging = made["CloudWatchLoggingOptions"]
    if logging.get("Enabled") and not (logging.get("LogGroupName") and logging.get("LogStreamName")):
        raise invalid("LogGroupName and LogStreamName must be specified when CloudWatch logging is enabled")


def _check_http(made: Mapping[str, Any]) -> None:
    url = made["EndpointConfiguration"]["Url"]
    if not url.startswith("https://") and not _LOCAL.fullmatch(url):
        raise invalid(f"The endpoint's URL must begin with https://, or be of this machine: {url}")
    if _enabled(made, "SecretsManagerConfiguration") and not made["SecretsManagerConfiguration"].get("SecretARN"):
        raise invalid("SecretARN must be specified when SecretsManagerConfiguration is enabled")


def _check_partitioning(made: Mapping[str, Any], processing: Processing) -> None:
    asked = list(partition_keys(made.get("Prefix") or ""))
    if not _enabled(made, "DynamicPartitioningConfiguration"):
        if asked:
            raise invalid(
                "Dynamic partitioning namespaces can only be part of a prefix expression when Dynamic Partitioning is "
                "enabled."
            )
        if processing.query:
            raise invalid("MetadataExtraction processor can only be present when Dynamic Partitioning is enabled")
        return
    if not asked:
        raise invalid("S3 Prefix should contain Dynamic Partitioning namespaces when Dynamic Partitioning is enabled")
    _check_large(made, "Dynamic Partitioning")
    if any(namespace == "partitionKeyFromQuery" for namespace, _ in asked) and not processing.query:
        raise invalid("partitionKeyFromQuery in the Prefix needs a MetadataExtraction processor.")
    if any(namespace == "partitionKeyFromLambda" for namespace, _ in asked) and processing.function is None:
        raise invalid("partitionKeyFromLambda in the Prefix needs a Lambda processor.")


def _check_large(made: Mapping[str, Any], what: str) -> None:
    if made["BufferingHints"]["SizeInMBs"] < _LEAST_LARGE:
        raise invalid(f"BufferingHints.SizeInMBs must be at least {_LEAST_LARGE} when {what} is enabled.")


def _check_conversion(made: Mapping[str, Any]) -> None:
    if not _enabled(made, "DataFormatConversionConfiguration"):
        return
    settings = made["DataFormatConversionConfiguration"]
    _check_large(made, "data format conversion")
    if made["CompressionFormat"] != "UNCOMPRESSED":
        raise invalid(
            "CompressionFormat must be set to UNCOMPRESSED when data format conversion is enabled: the serializer "
            "compresses."
        )
    schema = settings.get("SchemaConfiguration") or {}
    missing = [one for one in ("DatabaseName", "TableName", "RoleARN") if not schema.get(one)]
    if missing:
        raise invalid(f"SchemaConfiguration.{missing[0]} must be specified when data format conversion is enabled.")
    serializer = (settings.get("OutputFormatConfiguration") or {}).get("Serializer") or {}
    if "OrcSerDe" in serializer:
        raise unbuilt("does not write ORC: its output format is Parquet")
    if "ParquetSerDe" not in serializer:
        raise invalid("OutputFormatConfiguration must have a serializer when data format conversion is enabled.")
    deserializer = (settings.get("InputFormatConfiguration") or {}).get("Deserializer") or {}
    if len(deserializer) != 1:
        raise invalid("InputFormatConfiguration must have exactly one deserializer.")


def _enabled(made: Mapping[str, Any], member: str) -> bool:
    """Whether a part is there and not turned off: DataFormatConversionConfiguration is on where it says nothing."""
    part: Mapping[str, Any] = made.get(member) or {}
    return bool(part) and part.get("Enabled", member == "DataFormatConversionConfiguration") is True


def converts(made: Mapping[str, Any]) -> bool:
    """Whether records become rows of Parquet."""
    return _enabled(made, "DataFormatConversionConfiguration")


def partitions(made: Mapping[str, Any]) -> bool:
    """Whether records are partitioned by their keys."""
    return _enabled(made, "DynamicPartitioningConfiguration")


_PLACE = (
    *("RoleARN", "BucketARN", "Prefix", "ErrorOutputPrefix", "BufferingHints", "CompressionFormat"),
    *("EncryptionConfiguration", "CloudWatchLoggingOptions"),
)


def told(stream: DeliveryStream) -> dict[str, Any]:
    """A stream's destination as DescribeDeliveryStream tells it; access keys are left out."""
    made = stream.destination
    answer: dict[str, Any] = {"DestinationId": DESTINATION_ID}
    if stream.kind == "HttpEndpoint":
        return {**answer, "HttpEndpointDestinationDescription": made}
    extended = {"S3BackupMode": "Disabled", **made}
    place = {name: made[name] for name in _PLACE if name in made}
    return {**answer, "S3DestinationDescription": place, "ExtendedS3DestinationDescription": extended}


def roles_of(members: Any) -> set[str]:
    """The roles that a configuration names, wherever in it."""
    if isinstance(members, list):
        return {role for one in members for role in roles_of(one)}
    if not isinstance(members, Mapping):
        return set()
    found = {role for one in members.values() for role in roles_of(one)}
    found |= {str(members[name]) for name in ("RoleARN", "RoleArn") if isinstance(members.get(name), str)}
    if members.get("ParameterName") == "RoleArn":
        found.add(str(members.get("ParameterValue")))
    return found
