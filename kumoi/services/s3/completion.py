"""Completing a multipart upload: the parts a client lists against those that came, as pure rules.

The checks are made in S3's order: the list, the parts, their sizes, their checksums, the whole. Rules:
CompleteMultipartUpload in the API reference, and recorded errors.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from kumoi.services.s3 import checksums
from kumoi.services.s3.records import Part, Upload
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.xml_shapes import malformed

MIN_PART_SIZE = 5 * 1024**2
"""Bytes that every part but the last must have."""


class Wanted(NamedTuple):
    """A part as CompleteMultipartUpload lists it; `checksums` by algorithm."""

    number: int
    etag: str
    checksums: dict[str, str]


def wanted_parts(given: dict[str, Any] | None, upload_id: str) -> list[Wanted]:
    """The parts that a request lists; raises MalformedXML, InvalidRequest or InvalidPartOrder."""
    if given is None:
        raise malformed()
    wanted: list[Wanted] = []
    for part in given.get("Parts") or []:
        number, etag = part.get("PartNumber"), part.get("ETag")
        if number is None or etag is None:
            raise malformed()
        stated = {name: part[member] for name, member in checksums.MEMBERS.items() if part.get(member) is not None}
        wanted.append(Wanted(number, etag.strip('"'), stated))
    if not wanted:
        raise aws_error("InvalidRequest", "You must specify at least one part")
    if any(one.number >= another.number for one, another in pairwise(wanted)):
        raise aws_error(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            UploadId=upload_id,
        )
    return wanted


def assembled(upload: Upload, wanted: list[Wanted], present: dict[int, Part], members: dict[str, Any]) -> list[Part]:
    """The parts that the object will be made of; raises what S3 refuses about them."""
    parts: list[Part] = []
    for one in wanted:
        part = present.get(one.number)
        if part is None or part.etag != one.etag:
            raise _invalid_part(upload, one)
        _check_checksum(upload, one, part)
        parts.append(part)
    for part in parts[:-1]:
        if part.size < MIN_PART_SIZE:
            raise aws_error(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=part.size,
                MinSizeAllowed=MIN_PART_SIZE,
                PartNumber=part.number,
                ETag=part.etag,
            )
    if upload.composite:
        for one in wanted:
            if upload.algorithm not in one.checksums:
                raise aws_error(
                    "InvalidRequest",
                    f"The upload was created using a {upload.algorithm} checksum. The complete request must include"
                    f" the checksum for each part. It was missing for part {one.number} in the request.",
                )
    _check_whole(upload, parts, members)
    return parts


def _check_checksum(upload: Upload, one: Wanted, part: Part) -> None:
    for name, value in one.checksums.items():
        if not upload.algorithm or name != upload.algorithm:
            raise _invalid_part(upload, one)
        known = part.checksum.value if part.checksum is not None else ""
        if value != known:
            if upload.composite and checksums.is_digest(name, value):
                raise aws_error(
                    "BadDigest", f"The {name} you specified for part {one.number} did not match what we received."
                )
            raise _invalid_part(upload, one)


def _check_whole(upload: Upload, parts: list[Part], members: dict[str, Any]) -> None:
    size, stated = sum(part.size for part in parts), members.get("MpuObjectSize")
    if stated is not None and stated != size:
        raise aws_error(
            "InvalidRequest",
            f"The provided 'x-amz-mp-object-size' header value {stated} does not match what was computed: {size}",
        )
    kind = members.get("ChecksumType")
    if kind is not None:
        mode = "null" if not upload.algorithm else "COMPOSITE" if upload.composite else "FULL_OBJECT"
        if kind != mode:
            raise aws_error(
                "InvalidRequest",
                f"The upload was created using the {mode} checksum mode. The complete request must use the same"
                " checksum mode.",
            )


def _invalid_part(upload: Upload, one: Wanted) -> AwsError:
    return aws_error(
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified"
        " entity tag may not match the part's entity tag.",
        ETag=one.etag,
        PartNumber=one.number,
        UploadId=upload.id,
    )
