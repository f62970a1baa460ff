"""Records as objects of S3: which go into one, where it lies, and what is in it. Pure but for what blocks.

Names of objects follow "Configure Amazon S3 object name format" of the developer guide; their last part is made of the
buffer, so that a delivery that is done again after a crash writes the same objects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from kumoi.java_times import formatted, zone
from kumoi.services.firehose.compression import EXTENSIONS, compressed
from kumoi.services.firehose.flow import Failed, Flowing
from kumoi.services.firehose.prefixes import Keys, evaluated, evaluated_error, partition_keys
from kumoi.services.firehose.processors import EXTRACTION
from kumoi.services.firehose.records import Buffer, DeliveryStream


class Parcel(NamedTuple):
    """An object to be put: at a place (a bucket's settings), of so many records and bytes before compression."""

    place: Mapping[str, Any]
    key: str
    content: bytes
    records: int
    size: int
    oldest: float
    backup: bool = False
    encoding: str = ""

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return str(self.place["BucketARN"]).rpartition(":")[2]


class Partition(NamedTuple):
    """Records of one prefix."""

    prefix: str
    records: list[Flowing]


def partitioned(
    place: Mapping[str, Any], records: Iterable[Flowing], now: float
) -> tuple[list[Partition], list[Failed]]:
    """Records by the partition keys that a prefix asks for, in the order of each's first; and those that lack one."""
    prefix, time_zone = place.get("Prefix") or "", place.get("CustomTimeZone") or "UTC"
    asked = list(partition_keys(prefix))
    groups: dict[tuple[str, ...], list[Flowing]] = {}
    failed: list[Failed] = []
    for record in records:
        try:
            names = tuple(
                (record.keys.query if namespace == "partitionKeyFromQuery" else record.keys.function)[name]
                for namespace, name in asked
            )
            if not all(names):
                raise KeyError(next(name for (_, name), value in zip(asked, names, strict=True) if not value))
        except KeyError as error:
            text = f"partitionKeys values must not be null or empty: {error.args[0]}"
            failed.append(Failed("processing-failed", record, EXTRACTION, text, 1, now))
            continue
        groups.setdefault(names, []).append(record)
    return [
        Partition(evaluated(prefix, _oldest(found), time_zone, found[0].keys if asked else Keys()), found)
        for found in groups.values()
    ], failed


def _oldest(records: Sequence[Flowing]) -> float:
    return min(one.arrived for one in records)


def named(stream: DeliveryStream, buffer: Buffer, place: Mapping[str, Any], when: float, label: str) -> str:
    """The last part of an object's name, without an extension; `label` tells it from the buffer's others."""
    stamp = formatted(when * 1000, "yyyy-MM-dd-HH-mm-ss", zone(place.get("CustomTimeZone") or "UTC"))
    digest = hashlib.blake2b(f"{buffer.id}/{label}".encode(), digest_size=16).digest()
    return f"{stream.name}-{stream.version}-{stamp}-{UUID(bytes=digest, version=4)}"


def parcel(
    stream: DeliveryStream,
    buffer: Buffer,
    place: Mapping[str, Any],
    partition: Partition,
    delimiter: bytes = b"",
    *,
    backup: bool = False,
) -> Parcel:
    """The object of a partition's records, one behind the other; blocks while it compresses."""
    form = place["CompressionFormat"]
    content = b"".join(one.content + delimiter for one in partition.records)
    oldest = _oldest(partition.records)
    label = f"{'backup' if backup else 'records'}/{partition.prefix if partition.records[0].keys != Keys() else ''}"
    name = named(stream, buffer, place, oldest, label)
    extension = place.get("FileExtension") or EXTENSIONS[form]
    return Parcel(
        place,
        f"{partition.prefix}{name}{extension}",
        compressed(content, form, name),
        len(partition.records),
        len(content),
        oldest,
        backup,
        "gzip" if form == "GZIP" else "",
    )


def error_parcels(
    stream: DeliveryStream, buffer: Buffer, place: Mapping[str, Any], failed: Sequence[Failed]
) -> list[Parcel]:
    """The objects that tell of records that failed, one for each kind of failure."""
    found: list[Parcel] = []
    for kind in dict.fromkeys(one.kind for one in failed):
        of_kind = [one for one in failed if one.kind == kind]
        oldest = _oldest([one.record for one in of_kind])
        prefix = evaluated_error(
            place.get("Prefix") or "",
            place.get("ErrorOutputPrefix"),
            kind,
            oldest,
            place.get("CustomTimeZone") or "UTC",
        )
        content = b"".join(one.line() for one in of_kind)
        form = place["CompressionFormat"]
        name = named(stream, buffer, place, oldest, kind)
        made = compressed(content, form, name)
        key = f"{prefix}{name}{EXTENSIONS[form]}"
        encoding = "gzip" if form == "GZIP" else ""
        found.append(Parcel(place, key, made, len(of_kind), len(content), oldest, True, encoding))
    return found
