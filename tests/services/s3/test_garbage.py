"""Whatever a client sends, it is told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import quote, urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

words = st.sampled_from(
    ["", "0", "1", "-1", "99999999999999999999", "null", "a", "/", "*", '"', "ü", "bytes=0-1", "bytes=9-", "url",
     "true", "AES256", "aws:kms", "2026-01-01T00:00:00Z", "Thu, 26 Nov 2026 16:00:00 GMT", "CRC32", "SHA256", "COPY",
     "REPLACE", "a=1&b=2", "GLACIER", "ENABLED", "AAAA", "b/k", "/garbage/k?versionId=x", "ETag,ObjectParts", "Enabled"]
)  # fmt: skip
QUERIES = (
    "uploads uploadId partNumber versionId versions versioning tagging delete list-type=2 max-keys prefix "
    "delimiter marker start-after continuation-token encoding-type key-marker version-id-marker max-uploads "
    "max-parts part-number-marker attributes retention legal-hold object-lock location response-content-type "
    "response-cache-control max-buckets bucket-region"
)
HEADERS = (
    "range if-match if-none-match if-modified-since if-unmodified-since content-md5 x-amz-checksum-crc32 "
    "x-amz-checksum-sha256 x-amz-sdk-checksum-algorithm x-amz-checksum-algorithm x-amz-checksum-type "
    "x-amz-checksum-mode x-amz-copy-source x-amz-copy-source-range x-amz-copy-source-if-match "
    "x-amz-metadata-directive x-amz-tagging-directive x-amz-tagging x-amz-storage-class x-amz-meta-a "
    "x-amz-server-side-encryption x-amz-server-side-encryption-customer-algorithm "
    "x-amz-server-side-encryption-customer-key x-amz-object-lock-mode x-amz-object-lock-retain-until-date "
    "x-amz-object-lock-legal-hold x-amz-bypass-governance-retention x-amz-expected-bucket-owner "
    "x-amz-object-attributes x-amz-max-parts x-amz-mp-object-size x-amz-website-redirect-location "
    "content-encoding"
)
bodies = st.sampled_from(
    [
        b"",
        b"x",
        b"<",
        b"<Delete><Object><Key>k</Key><VersionId>x</VersionId></Object></Delete>",
        b"<Delete><Object/></Delete>",
        b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber></Part></CompleteMultipartUpload>",
        b"<VersioningConfiguration><Status>On</Status></VersioningConfiguration>",
        b"<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
        b"<Retention><Mode>GOVERNANCE</Mode></Retention>",
        b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule/></ObjectLockConfiguration>",
    ]
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    path=st.sampled_from(
        ["/", "/{bucket}", "/{bucket}/k", "/{bucket}/none", "/{bucket}/%ff", "/none/k", "/{bucket}//"]
    ),
    query=st.dictionaries(st.sampled_from(QUERIES.split()), words, max_size=3),
    headers=st.dictionaries(st.sampled_from(HEADERS.split()), words, max_size=4),
    body=bodies,
)
def test_garbage_is_refused_not_suffered(
    kumoi: Any, s3: Any, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
) -> None:
    bucket = f"garbage-{kumoi.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    address = urlsplit(kumoi.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    sent = {name: value.encode() for name, value in headers.items()}
    sent["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={kumoi.account}/20260101/us-east-1/s3/aws4_request, "
        f"SignedHeaders=host, Signature={'0' * 64}"
    ).encode()
    target = path.format(bucket=bucket) + "?" + "&".join(f"{name}={quote(value)}" for name, value in query.items())
    connection.request(method, target, body, sent)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status < 500 or answer.status == 501, (answer.status, text)
    assert answer.status < 400 or method == "HEAD" or b"<Code>" in text, (answer.status, text)
    assert b"SerializationException" not in text
