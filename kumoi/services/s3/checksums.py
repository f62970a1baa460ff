"""Which checksum an upload has, and the members it travels in.

A client states one (header or trailer), asks for one, or leaves it to S3, which computes CRC64NVME. Values are base64.
Joining checksums of parts to that of the whole needs no data. Rules: "Checking object integrity in Amazon S3", and
recorded answers of the service.
"""

from __future__ import annotations

import base64
from typing import Any

import anycrc

from kumoi.blobs.hashing import digest
from kumoi.services.s3.records import Checksum, Part
from kumoi.wire.errors import AwsError, aws_error

MEMBERS = {
    "crc32": "ChecksumCRC32",
    "crc32c": "ChecksumCRC32C",
    "crc64nvme": "ChecksumCRC64NVME",
    "sha1": "ChecksumSHA1",
    "sha256": "ChecksumSHA256",
}
"""The member of each algorithm that is served."""

DEFAULT = "crc64nvme"
"""What S3 computes where a client says nothing."""

_ALL = ", ".join(sorted(name.upper() for name in MEMBERS))
_UNSERVED = ("ChecksumSHA512", "ChecksumMD5", "ChecksumXXHASH64", "ChecksumXXHASH3", "ChecksumXXHASH128")
_STATING = frozenset((*MEMBERS.values(), *_UNSERVED))
_LENGTHS = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}
_MODELS = {
    "crc32": anycrc.Model("CRC32"),
    "crc32c": anycrc.Model("CRC32-ISCSI"),
    "crc64nvme": anycrc.Model("CRC64-NVME"),
}


def unsupported() -> AwsError:
    """InvalidRequest for an algorithm nobody knows."""
    return aws_error(
        "InvalidRequest",
        f"Checksum algorithm provided is unsupported. Please try again with any of the valid types: [{_ALL}]",
    )


def algorithm_named(name: str | None) -> str:
    """An algorithm by the name that requests give it; empty for None. Raises InvalidRequest."""
    if name is None:
        return ""
    if name.lower() not in MEMBERS:
        raise unsupported()
    return name.lower()


def stated(members: dict[str, Any]) -> tuple[str, str]:
    """(algorithm, value) of the checksum among a request's members, both empty without one; raises InvalidRequest."""
    if _STATING.isdisjoint(members):
        return "", ""
    for member in _UNSERVED:
        if members.get(member) is not None:
            raise aws_error(
                "NotImplemented",
                "A header you provided implies functionality that is not implemented",
                Header=f"x-amz-checksum-{member.removeprefix('Checksum').lower()}",
            )
    given = [(name, members[member]) for name, member in MEMBERS.items() if members.get(member) is not None]
    if len(given) > 1:
        raise aws_error(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    if not given:
        return "", ""
    name, value = given[0]
    if not is_digest(name, value):
        raise aws_error("InvalidRequest", f"Value for x-amz-checksum-{name} header is invalid.")
    return name, value


def is_digest(name: str, value: str) -> bool:
    """Whether a text can be a checksum of the algorithm."""
    try:
        return len(base64.b64decode(value, validate=True)) == _LENGTHS[name]
    except ValueError:
        return False


def check_stated(name: str, value: str, calculated: bytes) -> str:
    """The checksum in base64; raises BadDigest where a client stated another."""
    text = base64.b64encode(calculated).decode()
    if value and value != text:
        raise aws_error("BadDigest", f"The {name.upper()} you specified did not match the calculated checksum.")
    return text


def told(checksum: Checksum | None) -> dict[str, Any]:
    """An answer's members about a checksum."""
    if checksum is None:
        return {}
    kind = "COMPOSITE" if checksum.composite else "FULL_OBJECT"
    return {MEMBERS[checksum.algorithm]: checksum.value, "ChecksumType": kind}


def composite(algorithm: str, parts: list[Part]) -> str:
    """The checksum of parts' checksums, with their number."""
    running = digest(algorithm)
    for part in parts:
        running.update(base64.b64decode(part.checksum.value if part.checksum is not None else ""))
    return f"{base64.b64encode(running.digest()).decode()}-{len(parts)}"


def joined(algorithm: str, parts: list[Part]) -> str:
    """The checksum of the whole, out of those of its parts and their sizes; a CRC only."""
    model = _MODELS[algorithm]
    whole = 0
    for number, part in enumerate(parts):
        value = int.from_bytes(base64.b64decode(part.checksum.value if part.checksum is not None else ""))
        whole = value if number == 0 else model.combine(whole, value, part.size)
    return base64.b64encode(whole.to_bytes(_LENGTHS[algorithm])).decode()


def upload_type(algorithm: str, kind: str | None) -> bool:
    """Whether a multipart upload's checksum is composite; raises InvalidRequest for what does not go together."""
    if kind is None:
        return algorithm not in ("", DEFAULT)
    if not algorithm:
        raise aws_error(
            "InvalidRequest",
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
        )
    if kind not in ("COMPOSITE", "FULL_OBJECT"):
        raise aws_error("InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
    if (kind == "FULL_OBJECT" and algorithm.startswith("sha")) or (kind == "COMPOSITE" and algorithm == DEFAULT):
        raise aws_error(
            "InvalidRequest",
            f"The {kind} checksum type cannot be used with the {algorithm} checksum algorithm.",
        )
    return kind == "COMPOSITE"
