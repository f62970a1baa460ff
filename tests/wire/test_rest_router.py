"""REST requests by method, path, query and headers; S3's subresources above all."""

from __future__ import annotations

import pytest

from kumoi.wire import Headers, Request, Wire

COPY = ("x-amz-copy-source", "/b/k")


S3 = [
    ("GET", "/", "ListBuckets", {}),
    ("GET", "/b", "ListObjects", {"Bucket": "b"}),
    ("GET", "/b/", "ListObjects", {"Bucket": "b"}),
    ("GET", "/b?list-type=2", "ListObjectsV2", {"Bucket": "b"}),
    ("GET", "/b?list-type=1", "ListObjects", {"Bucket": "b"}),
    ("GET", "/b?prefix=acl", "ListObjects", {"Bucket": "b"}),
    ("GET", "/b?nothing-known", "ListObjects", {"Bucket": "b"}),
    ("GET", "/b?versions", "ListObjectVersions", {"Bucket": "b"}),
    ("GET", "/b?uploads=&prefix=p", "ListMultipartUploads", {"Bucket": "b"}),
    ("GET", "/b?acl", "GetBucketAcl", {"Bucket": "b"}),
    ("GET", "/b?location", "GetBucketLocation", {"Bucket": "b"}),
    ("GET", "/b?analytics", "ListBucketAnalyticsConfigurations", {"Bucket": "b"}),
    ("GET", "/b?analytics&id=1", "GetBucketAnalyticsConfiguration", {"Bucket": "b"}),
    ("PUT", "/b", "CreateBucket", {"Bucket": "b"}),
    ("PUT", "/b?policy", "PutBucketPolicy", {"Bucket": "b"}),
    ("PUT", "/b?lifecycle", "PutBucketLifecycleConfiguration", {"Bucket": "b"}),
    ("HEAD", "/b", "HeadBucket", {"Bucket": "b"}),
    ("DELETE", "/b", "DeleteBucket", {"Bucket": "b"}),
    ("DELETE", "/b?tagging", "DeleteBucketTagging", {"Bucket": "b"}),
    ("POST", "/b?delete", "DeleteObjects", {"Bucket": "b"}),
    ("GET", "/b/k", "GetObject", {"Bucket": "b", "Key": "k"}),
    ("GET", "/b/k/", "GetObject", {"Bucket": "b", "Key": "k/"}),
    ("GET", "/b//k/../%2e%2F+", "GetObject", {"Bucket": "b", "Key": "/k/.././+"}),
    ("GET", "/b/k?versionId=v", "GetObject", {"Bucket": "b", "Key": "k"}),
    ("GET", "/b/k?X-Amz-Signature=s&response-expires=e", "GetObject", {"Bucket": "b", "Key": "k"}),
    ("GET", "/b/acl", "GetObject", {"Bucket": "b", "Key": "acl"}),
    ("GET", "/b/k?acl", "GetObjectAcl", {"Bucket": "b", "Key": "k"}),
    ("GET", "/b/k?uploadId=u", "ListParts", {"Bucket": "b", "Key": "k"}),
    ("GET", "/b/k?attributes", "GetObjectAttributes", {"Bucket": "b", "Key": "k"}),
    ("PUT", "/b/k", "PutObject", {"Bucket": "b", "Key": "k"}),
    ("PUT", "/b/k?tagging", "PutObjectTagging", {"Bucket": "b", "Key": "k"}),
    ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart", {"Bucket": "b", "Key": "k"}),
    ("POST", "/b/k?uploads", "CreateMultipartUpload", {"Bucket": "b", "Key": "k"}),
    ("POST", "/b/k?uploadId=u", "CompleteMultipartUpload", {"Bucket": "b", "Key": "k"}),
    ("POST", "/b/k?select&select-type=2", "SelectObjectContent", {"Bucket": "b", "Key": "k"}),
    ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload", {"Bucket": "b", "Key": "k"}),
    ("DELETE", "/b/k", "DeleteObject", {"Bucket": "b", "Key": "k"}),
]


@pytest.mark.parametrize(("method", "target", "name", "labels"), S3)
def test_s3(wire: Wire, method: str, target: str, name: str, labels: dict[str, str]) -> None:
    path, _, query = target.partition("?")
    exchange = wire.codec("s3").match(Request(method, path, query))
    assert (exchange.name, exchange.labels) == (name, labels)


def test_a_header_tells_copies(wire: Wire) -> None:
    codec = wire.codec("s3")
    assert codec.match(Request("PUT", "/b/k", headers=Headers([COPY]))).name == "CopyObject"
    part = Request("PUT", "/b/k", "partNumber=1&uploadId=u", Headers([COPY]))
    assert codec.match(part).name == "UploadPartCopy"


def test_a_path_that_is_remembered_still_heeds_query_and_headers() -> None:
    codec, recalled = Wire().codec("s3"), 0
    for _ in range(2):
        for method, target, name, labels in S3:
            path, _, query = target.partition("?")
            exchange = codec.match(Request(method, path, query))
            assert (exchange.name, exchange.labels) == (name, labels)
            for headers in ([], [COPY]):
                sent = Request(method, path, query, Headers(headers))
                known = codec.recall(sent)
                if known is not None:
                    meant = codec.match(sent)
                    assert (known.name, known.labels, query) == (meant.name, meant.labels, "")
                    recalled += 1
    assert recalled > 10
    assert codec.recall(Request("PUT", "/b/k", headers=Headers([COPY]))) is None
    plain = codec.recall(Request("PUT", "/b/k"))
    assert plain is not None and plain.name == "PutObject"


def test_only_so_many_paths_are_remembered() -> None:
    codec = Wire().codec("s3")
    for number in range(3_000):
        assert codec.match(Request("GET", f"/b/{number}")).labels == {"Bucket": "b", "Key": str(number)}
    assert codec.recall(Request("GET", "/b/2999")) is not None
    assert codec.recall(Request("GET", "/b/0")) is None
    codec.match(Request("GET", f"/b/{'k' * 300}"))
    assert codec.recall(Request("GET", f"/b/{'k' * 300}")) is None


def test_an_x_amz_target_that_is_remembered_is_not_cbors() -> None:
    codec = Wire().codec("sqs")
    sent = Request("POST", "/", headers=Headers([("X-Amz-Target", "AmazonSQS.SendMessage")]))
    assert codec.recall(sent) is None
    assert codec.match(sent).name == "SendMessage"
    known = codec.recall(sent)
    assert known is not None and (known.name, known.protocol) == ("SendMessage", "json")
    assert codec.recall(Request("POST", "/", headers=Headers([*sent.headers.items, ("smithy-protocol", "x")]))) is None


LAMBDA = [
    ("GET", "/2015-03-31/functions", "ListFunctions", {}),
    ("GET", "/2015-03-31/functions/", "ListFunctions", {}),
    ("GET", "/2015-03-31/functions/f", "GetFunction", {"FunctionName": "f"}),
    ("GET", "/2015-03-31/functions/arn%3Aaws%3Alambda", "GetFunction", {"FunctionName": "arn:aws:lambda"}),
    ("GET", "/2018-10-31/layers", "ListLayers", {}),
    ("GET", "/2018-10-31/layers?find=LayerVersion&Arn=a", "GetLayerVersionByArn", {}),
    (
        "GET",
        "/2018-10-31/layers/l/versions/1/policy",
        "GetLayerVersionPolicy",
        {"LayerName": "l", "VersionNumber": "1"},
    ),
]


@pytest.mark.parametrize(("method", "target", "name", "labels"), LAMBDA)
def test_lambda(wire: Wire, method: str, target: str, name: str, labels: dict[str, str]) -> None:
    path, _, query = target.partition("?")
    exchange = wire.codec("lambda").match(Request(method, path, query))
    assert (exchange.name, exchange.labels) == (name, labels)


def test_a_greedy_label_may_stand_before_more(wire: Wire) -> None:
    def mean(path: str) -> tuple[str, dict[str, str]]:
        exchange = wire.codec("s3control").match(Request("GET", f"/v20180820/mrap/instances/{path}"))
        return exchange.name, dict(exchange.labels)

    assert mean("a/b") == ("GetMultiRegionAccessPoint", {"name": "a/b"})
    assert mean("a/b/policy") == ("GetMultiRegionAccessPointPolicy", {"name": "a/b"})
    assert mean("policy") == ("GetMultiRegionAccessPoint", {"name": "policy"})


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/2013-04-01/hostedzone/Z1/rrset/", "ChangeResourceRecordSets"),
        ("POST", "/2013-04-01/hostedzone/Z1/rrset", "ChangeResourceRecordSets"),
        ("GET", "/2013-04-01/hostedzone/Z1/rrset", "ListResourceRecordSets"),
        ("GET", "/2013-04-01/hostedzone/Z1/rrset/", "ListResourceRecordSets"),
    ],
)
def test_a_slash_at_the_end_may_be_left_out(wire: Wire, method: str, path: str, name: str) -> None:
    exchange = wire.codec("route53").match(Request(method, path, ""))
    assert (exchange.name, exchange.labels) == (name, {"Id": "Z1"})
