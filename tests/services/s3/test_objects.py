"""Objects: put, read, copied, tagged, deleted, with boto3 and with plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import http.client
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

ODD_KEYS = [
    "plain",
    "a/b/c",
    "with space+plus",
    "file%2Fname",
    "test key//",
    "/leading",
    "a/../b",
    "a/./b",
    "a//b",
    "dir/",
    "a/\U0001f600/ü",
    "test%percent",
    "q?x=1&y=2#z",
    "quote\"'<>&",
    "control\x01\n",
    "~!*()-_.",
    "x" * 1024,
]


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize("below", [None, "s3.localhost", "localhost"])
def test_any_key_is_kept_as_it_is(kumoi: Any, bucket: str, key: str, below: str | None) -> None:
    s3 = kumoi.client("s3") if below is None else virtual(kumoi, below)
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert "Contents" not in s3.list_objects(Bucket=bucket)


def virtual(kumoi: Any, below: str) -> Any:
    """A client that names the bucket in the host; it connects to the platform, whatever such names resolve to."""
    client = boto3.client(
        "s3",
        endpoint_url=kumoi.url.replace("127.0.0.1", below),
        region_name=kumoi.region,
        aws_access_key_id=kumoi.account,
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "virtual"}, retries={"total_max_attempts": 1}),
    )

    def connect(request: Any, **_: Any) -> None:
        authority, slash, path = request.url.partition("://")[2].partition("/")
        assert authority.startswith("bucket-")
        request.headers["Host"] = authority
        request.url = f"{kumoi.url}{slash}{path}"

    client.meta.events.register("before-send.s3", connect)
    kumoi._clients.append(client)
    return client


def test_what_a_put_says_comes_back(s3: Any, bucket: str) -> None:
    expires = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    s3.put_object(
        Bucket=bucket,
        Key="k",
        Body=b"body",
        ContentType="text/plain; charset=utf-8",
        CacheControl="max-age=1",
        ContentDisposition='attachment; filename="a b"',
        ContentEncoding="gzip",
        ContentLanguage="de",
        Expires=expires,
        Metadata={"Some-Name": "value", "under_score": "x"},
        StorageClass="STANDARD_IA",
        Tagging="a=1&b=two%20words",
        WebsiteRedirectLocation="/other",
    )
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"body"
    for answer in (s3.head_object(Bucket=bucket, Key="k"), got):
        assert answer["ContentType"] == "text/plain; charset=utf-8"
        assert answer["CacheControl"] == "max-age=1"
        assert answer["ContentDisposition"] == 'attachment; filename="a b"'
        assert answer["ContentEncoding"] == "gzip"
        assert answer["ContentLanguage"] == "de"
        assert answer["Expires"] == expires
        assert answer["Metadata"] == {"some-name": "value", "under_score": "x"}
        assert answer["StorageClass"] == "STANDARD_IA"
        assert answer["ServerSideEncryption"] == "AES256"
        assert answer["WebsiteRedirectLocation"] == "/other"
        assert answer["TagCount"] == 2
        assert answer["ETag"] == f'"{hashlib.md5(b"body").hexdigest()}"'
        assert answer["ContentLength"] == 4
        assert abs(answer["LastModified"] - datetime.now(UTC)) < timedelta(minutes=1)
    overridden = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="x/y", ResponseCacheControl="no-store")
    assert overridden["Body"].read() == b"body"
    assert (overridden["ContentType"], overridden["CacheControl"]) == ("x/y", "no-store")


def test_a_plain_read_answers_what_any_other_does(kumoi: Any, s3: Any, bucket: str) -> None:
    """Most reads ask for nothing but the object, and are answered without a transaction: with the same words."""

    def answers(**also: Any) -> list[dict[str, Any]]:
        named, found = {"Bucket": bucket, "Key": "k", **also}, []
        for read in (s3.get_object, s3.head_object):
            try:
                answer = read(**named)
            except ClientError as error:
                answer = dict(error.response)
            if "Body" in answer:
                answer["Body"] = answer["Body"].read()
            metadata = answer.pop("ResponseMetadata")
            changing = ("x-amz-request-id", "x-amz-id-2", "date")
            headers = {name: value for name, value in metadata["HTTPHeaders"].items() if name not in changing}
            answer.get("Error", {}).pop("HostId", None)
            found.append({**answer, "headers": headers, "status": metadata["HTTPStatusCode"]})
        return found

    def agree() -> list[dict[str, Any]]:
        plain = answers()
        assert plain == answers(ExpectedBucketOwner=kumoi.account)
        return plain

    assert [one["status"] for one in agree()] == [404, 404]
    for size in (0, 10, 2_000, 20_000):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x" * size, Metadata={"a": "b"}, CacheControl="no-store")
        assert agree()[0]["Body"] == b"x" * size
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert [one["TagCount"] for one in agree()] == [1, 1]
    expiring = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [expiring]})
    assert all("Expiration" in one for one in agree())
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert all("Expiration" not in one for one in agree())
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert [one["VersionId"] for one in agree()] == ["null", "null"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"y", StorageClass="GLACIER_IR", ServerSideEncryption="aws:kms")
    assert agree()[0]["StorageClass"] == "GLACIER_IR"
    s3.put_object(Bucket=bucket, Key="k", Body=b"y", StorageClass="GLACIER")
    assert [one["status"] for one in agree()] == [403, 200]
    s3.delete_object(Bucket=bucket, Key="k")
    assert [one["status"] for one in agree()] == [404, 404]


@pytest.mark.parametrize("size", [0, 1, 1_536, 1_537, 16_384, 16_385, 300_000, 2_000_000])
def test_bodies_of_every_size(s3: Any, bucket: str, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    answer = s3.put_object(Bucket=bucket, Key="k", Body=content)
    assert answer["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content
    s3.put_object(Bucket=bucket, Key="k", Body=b"smaller")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"smaller"


@pytest.mark.parametrize("size", [10, 40_000])
def test_ranges(s3: Any, bucket: str, size: int) -> None:
    content = bytes(index % 251 for index in range(size))
    s3.put_object(Bucket=bucket, Key="k", Body=content)
    part = s3.get_object(Bucket=bucket, Key="k", Range="bytes=2-5")
    assert (part["Body"].read(), part["ContentRange"]) == (content[2:6], f"bytes 2-5/{size}")
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    last = s3.get_object(Bucket=bucket, Key="k", Range="bytes=-3")
    assert last["Body"].read() == content[-3:]
    whole = s3.get_object(Bucket=bucket, Key="k", Range="bytes=1-0")
    assert (whole["Body"].read(), whole["ResponseMetadata"]["HTTPStatusCode"]) == (content, 200)
    head = s3.head_object(Bucket=bucket, Key="k", Range="bytes=0-0")
    assert (head["ContentLength"], head["ResponseMetadata"]["HTTPStatusCode"]) == (1, 206)
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={size}-")
    assert code(error) == "InvalidRange"
    assert error.value.response["Error"]["ActualObjectSize"] == str(size)
    one = s3.get_object(Bucket=bucket, Key="k", PartNumber=1)
    assert one["Body"].read() == content
    assert (one["ContentRange"], "PartsCount" in one) == (f"bytes 0-{size - 1}/{size}", False)
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert code(error) == "InvalidPartNumber"


def test_reading_under_conditions(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    named = {"Bucket": bucket, "Key": "k"}
    allowed = s3.get_object(**named, IfMatch=etag, IfUnmodifiedSince=modified, IfNoneMatch='"other"')
    assert allowed["Body"].read() == b"x"
    with pytest.raises(ClientError) as error:
        s3.get_object(**named, IfNoneMatch=etag)
    assert code(error) == "304"
    assert error.value.response["ResponseMetadata"]["HTTPHeaders"]["etag"] == etag
    for condition in ({"IfMatch": '"other"'}, {"IfUnmodifiedSince": modified - timedelta(seconds=1)}):
        with pytest.raises(ClientError) as error:
            s3.get_object(**named, **condition)
        assert code(error) == "PreconditionFailed"
    with pytest.raises(ClientError) as error:
        s3.head_object(**named, IfModifiedSince=modified)
    assert code(error) == "304"


def test_writing_under_conditions(s3: Any, bucket: str) -> None:
    named = {"Bucket": bucket, "Key": "k"}
    etag = s3.put_object(**named, Body=b"1", IfNoneMatch="*")["ETag"]
    for condition, expected in (
        ({"IfNoneMatch": "*"}, "PreconditionFailed"),
        ({"IfNoneMatch": etag}, "NotImplemented"),
        ({"IfMatch": '"other"'}, "PreconditionFailed"),
        ({"IfMatch": "*"}, "NotImplemented"),
        ({"IfMatch": etag, "IfNoneMatch": "*"}, "NotImplemented"),
    ):
        with pytest.raises(ClientError) as error:
            s3.put_object(**named, Body=b"2" * 20_000, **condition)
        assert code(error) == expected, condition
    s3.put_object(**named, Body=b"2", IfMatch=etag)
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="none", Body=b"", IfMatch=etag)
    assert code(error) == "NoSuchKey"
    with pytest.raises(ClientError) as error:
        s3.delete_object(**named, IfMatch=etag)
    assert code(error) == "PreconditionFailed"
    assert s3.get_object(**named)["Body"].read() == b"2"


def test_checksums_are_kept_and_verified(s3: Any, bucket: str) -> None:
    for algorithm, member in (("CRC32", "ChecksumCRC32"), ("SHA1", "ChecksumSHA1"), ("SHA256", "ChecksumSHA256")):
        put = s3.put_object(Bucket=bucket, Key=algorithm, Body=b"test", ChecksumAlgorithm=algorithm)
        head = s3.head_object(Bucket=bucket, Key=algorithm, ChecksumMode="ENABLED")
        assert head[member] == put[member]
        assert "ChecksumType" not in s3.head_object(Bucket=bucket, Key=algorithm)
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [one["ChecksumAlgorithm"] for one in listed] == [["CRC32"], ["SHA1"], ["SHA256"]]
    wrong = base64.b64encode(bytes(4)).decode()
    with pytest.raises(ClientError, match="did not match the calculated checksum") as error:
        s3.put_object(Bucket=bucket, Key="k", Body=b"test", ChecksumCRC32=wrong)
    assert code(error) == "BadDigest"
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="k", Body=b"test", ContentMD5=base64.b64encode(bytes(16)).decode())
    assert code(error) == "BadDigest"
    with pytest.raises(ClientError):
        s3.head_object(Bucket=bucket, Key="k")


def test_without_a_checksum_the_service_computes_one(kumoi: Any, bucket: str) -> None:
    plain = kumoi.client("s3", request_checksum_calculation="when_required")
    answer = plain.put_object(Bucket=bucket, Key="k", Body=b"test")
    assert answer["ChecksumCRC64NVME"] == "+bu+zv66sUM="
    assert answer["ChecksumType"] == "FULL_OBJECT"


def test_a_presigned_url_works_until_it_expires(kumoi: Any, bucket: str) -> None:
    s3 = kumoi.client("s3", request_checksum_calculation="when_required")
    named = {"Bucket": bucket, "Key": "a key"}
    put = s3.generate_presigned_url("put_object", Params={**named, "Metadata": {"m": "v"}, "ContentType": "x/y"})
    request = urllib.request.Request(put, b"by url", {"Content-Type": "x/y", "x-amz-meta-m": "v"}, method="PUT")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    get = s3.generate_presigned_url(
        "get_object", Params={**named, "ResponseContentDisposition": "inline"}, ExpiresIn=60
    )
    with urllib.request.urlopen(get) as answer:
        assert answer.read() == b"by url"
        assert answer.headers["Content-Type"] == "x/y"
        assert answer.headers["Content-Disposition"] == "inline"
        assert answer.headers["x-amz-meta-m"] == "v"
    over = s3.generate_presigned_url("get_object", Params=named, ExpiresIn=1)
    deadline = time.monotonic() + 60
    with pytest.raises(urllib.error.HTTPError) as error:
        while time.monotonic() < deadline:
            with urllib.request.urlopen(over) as answer:
                assert answer.read() == b"by url"
    body = error.value.read().decode()
    assert error.value.code == 403
    assert "<Code>AccessDenied</Code><Message>Request has expired</Message>" in body


def test_a_checksum_in_a_presigned_url_is_not_of_the_body(kumoi: Any, s3: Any, bucket: str) -> None:
    named = f"{kumoi.url}/{bucket}/k?x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32"
    outgoing = AWSRequest("PUT", named)
    key, secret = (kumoi.environment[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    S3SigV4QueryAuth(Credentials(key, secret), "s3", "us-east-1").add_auth(outgoing)
    with urllib.request.urlopen(urllib.request.Request(outgoing.url, b"by url", method="PUT")) as answer:
        assert answer.status == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"by url"


def test_copies(s3: Any, bucket: str) -> None:
    for key, content in (("small", b"1"), ("large", b"2" * 50_000)):
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=content,
            Metadata={"a": "b"},
            ContentType="x/y",
            Tagging="t=1",
            StorageClass="STANDARD_IA",
        )
        source = {"Bucket": bucket, "Key": key}
        copied = s3.copy_object(Bucket=bucket, Key=f"{key} copy", CopySource=source)
        assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
        s3.delete_object(**source)
        kept = s3.get_object(Bucket=bucket, Key=f"{key} copy")
        assert kept["Body"].read() == content
        assert (kept["Metadata"], kept["ContentType"], kept["TagCount"]) == ({"a": "b"}, "x/y", 1)
        assert "StorageClass" not in kept
        itself = {"Bucket": bucket, "Key": f"{key} copy", "CopySource": {"Bucket": bucket, "Key": f"{key} copy"}}
        with pytest.raises(ClientError, match="This copy request is illegal"):
            s3.copy_object(**itself)
        s3.copy_object(**itself, MetadataDirective="REPLACE", Metadata={"new": "one"})
        changed = s3.get_object(Bucket=bucket, Key=f"{key} copy")
        assert (changed["Body"].read(), changed["Metadata"]) == (content, {"new": "one"})
        sha = s3.copy_object(**itself, MetadataDirective="REPLACE", ChecksumAlgorithm="SHA256")
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert sha["CopyObjectResult"]["ChecksumSHA256"] == digest
    with pytest.raises(ClientError) as error:
        s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "none"})
    assert code(error) == "NoSuchKey"
    etag = kept["ETag"]
    with pytest.raises(ClientError) as error:
        s3.copy_object(Bucket=bucket, Key="k", CopySource=f"{bucket}/large copy", CopySourceIfNoneMatch=etag)
    assert code(error) == "PreconditionFailed"
    assert error.value.response["Error"]["Condition"] == "x-amz-copy-source-If-None-Match"


@pytest.mark.kumoi_clock
def test_a_copy_to_another_account_and_region(kumoi: Any, s3: Any, bucket: str) -> None:
    content = b"z" * 100_000
    s3.put_object(Bucket=bucket, Key="k", Body=content)
    far = f"far-{kumoi.account}"
    s3.create_bucket(Bucket=far, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.copy_object(Bucket=far, Key="k", CopySource={"Bucket": bucket, "Key": "k"})
    s3.delete_object(Bucket=bucket, Key="k")
    kumoi.advance(3600)
    assert s3.get_object(Bucket=far, Key="k")["Body"].read() == content


@pytest.mark.kumoi_clock
def test_what_is_overwritten_and_deleted_leaves_no_file(kumoi: Any, s3: Any, bucket: str) -> None:
    for _ in range(3):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 100_000)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    s3.delete_object(Bucket=bucket, Key="k")
    kumoi.advance(3600)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"x" * 100_000
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "copy"}, {"Key": "never"}], "Quiet": False})
    kumoi.advance(3600)
    s3.delete_bucket(Bucket=bucket)


def test_tags(s3: Any, bucket: str) -> None:
    named = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**named, Body=b"")
    assert s3.get_object_tagging(**named)["TagSet"] == []
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b:c", "Value": "2 3"}]
    s3.put_object_tagging(**named, Tagging={"TagSet": tags})
    assert s3.get_object_tagging(**named)["TagSet"] == tags
    s3.delete_object_tagging(**named)
    assert s3.get_object_tagging(**named)["TagSet"] == []
    for bad, expected in (
        ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "InvalidTag"),
        ([{"Key": "aws:x", "Value": "1"}], "InvalidTag"),
        ([{"Key": "a?", "Value": "1"}], "InvalidTag"),
        ([{"Key": str(number), "Value": ""} for number in range(11)], "BadRequest"),
    ):
        with pytest.raises(ClientError) as error:
            s3.put_object_tagging(**named, Tagging={"TagSet": bad})
        assert code(error) == expected
    with pytest.raises(ClientError) as error:
        s3.put_object(**named, Body=b"", Tagging="a=1&a=2")
    assert code(error) == "InvalidArgument"


def test_a_key_of_the_customers(s3: Any, bucket: str) -> None:
    named = {"Bucket": bucket, "Key": "k"}
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0" * 32}
    answer = s3.put_object(**named, Body=b"secret", **key)
    assert answer["SSECustomerAlgorithm"] == "AES256"
    assert answer["ETag"] != f'"{hashlib.md5(b"secret").hexdigest()}"'
    assert s3.get_object(**named, **key)["Body"].read() == b"secret"
    with pytest.raises(ClientError) as error:
        s3.get_object(**named)
    assert code(error) == "InvalidRequest"
    with pytest.raises(ClientError) as error:
        s3.get_object(**named, SSECustomerAlgorithm="AES256", SSECustomerKey="1" * 32)
    assert code(error) == "AccessDenied"
    kms = s3.put_object(Bucket=bucket, Key="kms", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/k")
    assert kms["SSEKMSKeyId"].endswith(":alias/k")
    assert s3.head_object(Bucket=bucket, Key="kms")["ServerSideEncryption"] == "aws:kms"


def test_what_is_not_there(s3: Any, bucket: str) -> None:
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="none")
    assert code(error) == "NoSuchKey"
    assert error.value.response["Error"]["Key"] == "none"
    with pytest.raises(ClientError) as error:
        s3.head_object(Bucket=bucket, Key="none")
    assert code(error) == "404"
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="no-such-bucket-anywhere", Key="k", Body=b"x" * 100_000)
    assert code(error) == "NoSuchBucket"
    assert s3.delete_object(Bucket=bucket, Key="none")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="x" * 1025, Body=b"")
    assert code(error) == "KeyTooLongError"
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"a": "x" * 3000})
    assert code(error) == "MetadataTooLarge"
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="k", Body=b"", StorageClass="Fake")
    assert code(error) == "InvalidStorageClass"
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    with pytest.raises(ClientError) as error:
        s3.delete_bucket(Bucket=bucket)
    assert code(error) == "BucketNotEmpty"


def test_a_function_is_made_of_a_package_in_a_bucket(kumoi: Any, s3: Any, bucket: str, zipped: Any) -> None:
    large = "x = '" + "".join(chr(97 + (index * 7919) % 26) for index in range(200_000)) + "'\n"
    code = zipped({"app.py": "def handler(event, context):\n    return 'from S3'\n", "data.py": large})
    s3.put_object(Bucket=bucket, Key="code.zip", Body=code)
    functions = kumoi.client("lambda")
    made = {"Runtime": "python3.11", "Handler": "app.handler", "Role": f"arn:aws:iam::{kumoi.account}:role/any"}
    functions.create_function(FunctionName="f", Code={"S3Bucket": bucket, "S3Key": "code.zip"}, **made)
    answer = functions.invoke(FunctionName="f")
    assert answer["Payload"].read() == b'"from S3"'
    with pytest.raises(ClientError, match="S3 Error Code: NoSuchKey"):
        functions.create_function(FunctionName="g", Code={"S3Bucket": bucket, "S3Key": "none.zip"}, **made)


@pytest.mark.parametrize(
    ("request_line", "headers", "status", "told"),
    [
        ("GET ?attributes", {}, 400, ("InvalidRequest", "x-amz-object-attributes")),
        ("PUT ?partNumber=1", {"Content-Length": "0"}, 400, ("InvalidArgument", "partNumber without uploadId")),
        ("PUT ?uploadId=u", {"Content-Length": "0"}, 405, ("MethodNotAllowed", "not allowed against this resource")),
        ("PUT ", {}, 411, ("MissingContentLength", "Content-Length")),
        ("PUT ?partNumber=1&uploadId=u", {}, 411, ("MissingContentLength", "Content-Length")),
        ("PUT ", {"Transfer-Encoding": "chunked"}, 411, ("MissingContentLength", "Content-Length")),
    ],
)
def test_half_a_request_is_told_as_such(
    kumoi: Any, s3: Any, bucket: str, request_line: str, headers: dict[str, str], status: int, told: tuple[str, str]
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    method, query = request_line.split(" ")
    connection = http.client.HTTPConnection(urlsplit(kumoi.url).netloc)
    connection.putrequest(method, f"/{bucket}/k{query}")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    if "Transfer-Encoding" in headers:
        connection.send(b"0\r\n\r\n")
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert (answer.status, f"<Code>{told[0]}</Code>" in text, told[1] in text) == (status, True, True)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"
