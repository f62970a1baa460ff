"""Multipart uploads: parts made into objects without moving a byte, with boto3 and its transfer manager."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import zlib
from typing import Any

import anycrc
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

PART = 5 * 1024**2


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def upload(s3: Any, bucket: str, key: str, parts: list[bytes], **options: Any) -> tuple[str, list[dict[str, Any]]]:
    created = s3.create_multipart_upload(Bucket=bucket, Key=key, **options)
    algorithm = {name: value for name, value in options.items() if name == "ChecksumAlgorithm"}
    listed = []
    for number, content in enumerate(parts, 1):
        answer = s3.upload_part(
            Bucket=bucket, Key=key, UploadId=created["UploadId"], PartNumber=number, Body=content, **algorithm
        )
        stated = {name: answer[name] for name in answer if name.startswith("Checksum") and options}
        listed.append({"PartNumber": number, "ETag": answer["ETag"], **stated})
    return created["UploadId"], listed


def test_the_transfer_manager_uploads_and_downloads(s3: Any, bucket: str) -> None:
    content = os.urandom(3 * PART + 123)
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
    s3.upload_fileobj(io.BytesIO(content), bucket, "big", Config=config, ExtraArgs={"Metadata": {"a": "b"}})
    head = s3.head_object(Bucket=bucket, Key="big")
    assert head["ETag"].endswith('-4"')
    assert head["Metadata"] == {"a": "b"}
    out = io.BytesIO()
    s3.download_fileobj(bucket, "big", out, Config=config)
    assert out.getvalue() == content
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy", Config=config)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == content
    ranged = s3.get_object(Bucket=bucket, Key="copy", Range=f"bytes={PART - 2}-{PART + 1}")
    assert ranged["Body"].read() == content[PART - 2 : PART + 2]


def test_etag_and_checksums_of_an_upload(s3: Any, bucket: str) -> None:
    parts = [b"a" * PART, b"b"]
    upload_id, listed = upload(s3, bucket, "k", parts, ChecksumAlgorithm="SHA256")
    done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": listed})
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    assert done["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(digests).digest()).decode() + "-2"
    assert done["ChecksumType"] == "COMPOSITE"
    md5s = b"".join(hashlib.md5(part).digest() for part in parts)
    assert done["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-2"'
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=2, ChecksumMode="ENABLED")
    assert (second["Body"].read(), second["PartsCount"], second["ContentRange"]) == (
        b"b",
        2,
        f"bytes {PART}-{PART}/{PART + 1}",
    )
    attributes = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectParts", "ObjectSize", "StorageClass"]
    )
    assert attributes["ETag"] == done["ETag"].strip('"')
    assert attributes["ObjectParts"]["TotalPartsCount"] == 2
    assert [part["Size"] for part in attributes["ObjectParts"]["Parts"]] == [PART, 1]
    again = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": listed})
    assert again["ETag"] == done["ETag"]


def test_the_checksum_of_the_whole_is_joined_of_the_parts(s3: Any, bucket: str) -> None:
    parts = [os.urandom(PART), os.urandom(PART), b"tail"]
    options = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    upload_id, listed = upload(s3, bucket, "k", parts, **options)
    done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": listed})
    assert base64.b64decode(done["ChecksumCRC32"]) == zlib.crc32(b"".join(parts)).to_bytes(4)
    plain_id, plain = upload(s3, bucket, "plain", parts)
    done = s3.complete_multipart_upload(Bucket=bucket, Key="plain", UploadId=plain_id, MultipartUpload={"Parts": plain})
    assert done["ChecksumType"] == "FULL_OBJECT"
    whole = anycrc.Model("CRC64-NVME").calc(b"".join(parts))
    assert base64.b64decode(done["ChecksumCRC64NVME"]) == whole.to_bytes(8)


def test_what_completing_refuses(s3: Any, bucket: str) -> None:
    upload_id, listed = upload(s3, bucket, "k", [b"small", b"last"])
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload_id}

    def complete(parts: list[dict[str, Any]], **options: Any) -> str:
        with pytest.raises(ClientError) as error:
            s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts}, **options)
        return code(error)

    assert complete(listed) == "EntityTooSmall"
    assert complete(listed[::-1]) == "InvalidPartOrder"
    assert complete([{"PartNumber": 1, "ETag": "0" * 32}]) == "InvalidPart"
    assert complete([{"PartNumber": 7, "ETag": listed[0]["ETag"]}]) == "InvalidPart"
    assert complete(listed[:1], MpuObjectSize=4) == "InvalidRequest"
    assert complete([]) in ("MalformedXML", "InvalidRequest")
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": listed[1:]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"last"


def test_an_upload_under_a_condition(s3: Any, bucket: str) -> None:
    upload_id, listed = upload(s3, bucket, "k", [b"new"])
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload_id, "MultipartUpload": {"Parts": listed}}
    s3.put_object(Bucket=bucket, Key="k", Body=b"between")
    with pytest.raises(ClientError) as error:
        s3.complete_multipart_upload(**named, IfNoneMatch="*")
    assert code(error) == "PreconditionFailed"
    s3.delete_object(Bucket=bucket, Key="k")
    with pytest.raises(ClientError) as error:
        s3.complete_multipart_upload(**named, IfNoneMatch="*")
    assert code(error) == "ConditionalRequestConflict"
    upload_id, listed = upload(s3, bucket, "k", [b"new"])
    s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": listed}, IfNoneMatch="*"
    )


def test_uploads_and_parts_are_listed_and_aborted(s3: Any, bucket: str) -> None:
    ids = [upload(s3, bucket, key, [b"x", b"y", b"z"])[0] for key in ("a/1", "a/2", "b", "b")]
    listed = s3.list_multipart_uploads(Bucket=bucket)
    assert [(one["Key"], one["UploadId"]) for one in listed["Uploads"]] == list(
        zip(("a/1", "a/2", "b", "b"), ids, strict=True)
    )
    grouped = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [one["Prefix"] for one in grouped["CommonPrefixes"]] == ["a/"]
    assert len(grouped["Uploads"]) == 2
    paged = [
        one["UploadId"]
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
        for one in page["Uploads"]
    ]
    assert paged == ids
    parts = [
        part["PartNumber"]
        for page in s3.get_paginator("list_parts").paginate(
            Bucket=bucket, Key="b", UploadId=ids[2], PaginationConfig={"PageSize": 2}
        )
        for part in page["Parts"]
    ]
    assert parts == [1, 2, 3]
    s3.abort_multipart_upload(Bucket=bucket, Key="b", UploadId=ids[2])
    with pytest.raises(ClientError) as error:
        s3.upload_part(Bucket=bucket, Key="b", UploadId=ids[2], PartNumber=1, Body=b"")
    assert code(error) == "NoSuchUpload"
    with pytest.raises(ClientError) as error:
        s3.list_multipart_uploads(Bucket=bucket, KeyMarker="b", UploadIdMarker="nope")
    assert code(error) == "InvalidArgument"


def test_parts_copied_from_objects(s3: Any, bucket: str) -> None:
    content = os.urandom(2 * PART)
    s3.put_object(Bucket=bucket, Key="source", Body=content)
    s3.put_object(Bucket=bucket, Key="small", Body=b"0123456789")
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload_id}
    source = {"Bucket": bucket, "Key": "source"}
    ranges = [(source, f"bytes=1-{PART}"), ({"Bucket": bucket, "Key": "small"}, "bytes=2-5")]
    parts = []
    for number, (copied, asked) in enumerate(ranges, 1):
        answer = s3.upload_part_copy(**named, PartNumber=number, CopySource=copied, CopySourceRange=asked)
        parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    for bad in ("bytes=0-10", "bytes=4-", "0-1", "bytes=20-30"):
        with pytest.raises(ClientError) as error:
            s3.upload_part_copy(
                **named, PartNumber=3, CopySource={"Bucket": bucket, "Key": "small"}, CopySourceRange=bad
            )
        assert code(error) in ("InvalidArgument", "InvalidRequest")
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    s3.delete_object(Bucket=bucket, Key="source")  # the part keeps what it shares
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content[1 : PART + 1] + b"2345"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"ChecksumAlgorithm": "SHA1", "ChecksumType": "FULL_OBJECT"}, "FULL_OBJECT checksum type cannot be used"),
        ({"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "COMPOSITE"}, "COMPOSITE checksum type cannot be used"),
        ({"ChecksumType": "COMPOSITE"}, "can only be used with the x-amz-checksum-algorithm header"),
        ({"ChecksumAlgorithm": "ROT13"}, "Checksum algorithm provided is unsupported"),
    ],
)
def test_checksums_that_do_not_go_together(s3: Any, bucket: str, options: dict[str, str], text: str) -> None:
    with pytest.raises(ClientError, match=text) as error:
        s3.create_multipart_upload(Bucket=bucket, Key="k", **options)
    assert code(error) == "InvalidRequest"
