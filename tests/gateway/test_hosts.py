"""What host names say."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.gateway.hosts import BASE_DOMAINS, HostName, local_address, read_host

ENDPOINTS = {"sqs": "sqs", "api.ecr": "ecr", "streams.dynamodb": "dynamodbstreams", "dynamodb": "dynamodb",
             "data-ats.iot": "iot-data", "iot": "iot", "data.jobs.iot": "iot-jobs-data", "s3-control": "s3control",
             "lambda": "lambda"}  # fmt: skip
URL_ID = "a1b2c3d4e5f6g7h8i9j0a1b2c3d4e5f6"


@pytest.mark.parametrize(
    ("host", "plane", "region", "attributes"),
    [
        ("abc123.execute-api.localhost:4566", "execute-api", None, {"id": "abc123"}),
        ("abc123.execute-api.eu-west-1.amazonaws.com", "execute-api", "eu-west-1", {"id": "abc123"}),
        ("ABC123.Execute-API.eu-west-1.amazonaws.com.", "execute-api", "eu-west-1", {"id": "abc123"}),
        (f"{URL_ID}.lambda-url.us-gov-west-1.on.aws", "lambda-url", "us-gov-west-1", {"id": URL_ID}),
        (f"{URL_ID}.lambda-url.us-east-1.localhost.localstack.cloud:4566", "lambda-url", "us-east-1", {"id": URL_ID}),
        ("abc.appsync-api.us-east-1.amazonaws.com", "appsync-api", "us-east-1", {"id": "abc"}),
        ("abc.appsync-realtime-api.us-east-1.localhost", "appsync-realtime", "us-east-1", {"id": "abc"}),
        ("d111111abcdef8.cloudfront.net", "cloudfront-edge", None, {"id": "d111111abcdef8"}),
        ("d111111abcdef8.cloudfront.localhost:4566", "cloudfront-edge", None, {"id": "d111111abcdef8"}),
        ("www.example.com.s3-website.eu-west-1.localhost", "s3-website", "eu-west-1", {"bucket": "www.example.com"}),
        ("site.s3-website-us-west-2.amazonaws.com", "s3-website", "us-west-2", {"bucket": "site"}),
        ("site.s3-website.localhost:4566", "s3-website", None, {"bucket": "site"}),
        ("my-alb-1234567890.us-east-2.elb.amazonaws.com", "elb", "us-east-2", {"id": "my-alb-1234567890"}),
        ("pool.auth.eu-west-1.amazoncognito.com", "cognito-hosted-ui", "eu-west-1", {"id": "pool"}),
        ("pool.auth.eu-west-1.localhost:4566", "cognito-hosted-ui", "eu-west-1", {"id": "pool"}),
        ("c1.credentials.iot.eu-west-1.amazonaws.com", "iot-credentials", "eu-west-1", {"id": "c1"}),
    ],
)
def test_data_planes(host: str, plane: str, region: str | None, attributes: dict[str, str]) -> None:
    found = read_host(host, BASE_DOMAINS, ENDPOINTS)
    assert (found.plane, found.service, found.region) == (plane, None, region)
    assert {name: value for name, value in found.attributes.items() if name != "host"} == attributes
    assert found.attributes["host"] == host.lower().partition(":")[0].rstrip(".")


@pytest.mark.parametrize(
    ("host", "service", "region"),
    [
        ("sqs.eu-west-1.amazonaws.com", "sqs", "eu-west-1"),
        ("sqs.localhost:4566", "sqs", None),
        ("eu-west-1.queue.amazonaws.com", "sqs", "eu-west-1"),
        ("sqs-fips.us-east-1.amazonaws.com", "sqs", "us-east-1"),
        ("sqs.us-east-1.api.aws", "sqs", "us-east-1"),
        ("api.ecr.us-east-1.amazonaws.com", "ecr", "us-east-1"),
        ("dynamodb.us-east-1.amazonaws.com", "dynamodb", "us-east-1"),
        ("streams.dynamodb.us-east-1.amazonaws.com", "dynamodbstreams", "us-east-1"),
        ("123456789012.ddb.us-east-1.amazonaws.com", "dynamodb", "us-east-1"),
        ("123456789012.s3-control.us-east-1.amazonaws.com", "s3control", "us-east-1"),
        ("iot.us-east-1.amazonaws.com", "iot", "us-east-1"),
        ("a1b2c3-ats.iot.us-east-1.amazonaws.com", "iot-data", "us-east-1"),
        ("data-ats.iot.us-east-1.amazonaws.com", "iot-data", "us-east-1"),
        ("data.jobs.iot.us-east-1.amazonaws.com", "iot-jobs-data", "us-east-1"),
        ("lambda.us-east-1.localhost", "lambda", "us-east-1"),
        ("unknown.us-east-1.amazonaws.com", None, "us-east-1"),
        ("localhost:4566", None, None),
        ("127.0.0.1:4566", None, None),
        ("[::1]:4566", None, None),
        ("kumoi:4566", None, None),
        ("www.example.com", None, None),
        ("", None, None),
    ],
)
def test_services(host: str, service: str | None, region: str | None) -> None:
    found = read_host(host, BASE_DOMAINS, ENDPOINTS)
    assert (found.plane, found.service, found.region) == (None, service, region)


@pytest.mark.parametrize(
    ("host", "bucket", "region"),
    [
        ("photos.s3.localhost:4566", "photos", None),
        ("photos.s3.amazonaws.com", "photos", None),
        ("photos.s3.eu-west-1.amazonaws.com", "photos", "eu-west-1"),
        ("photos.s3-eu-west-1.amazonaws.com", "photos", "eu-west-1"),
        ("photos.s3.dualstack.eu-west-1.amazonaws.com", "photos", "eu-west-1"),
        ("photos.s3-accelerate.amazonaws.com", "photos", None),
        ("photos--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com", "photos--use1-az4--x-s3", "us-east-1"),
        ("ap-123456789012.s3-accesspoint.us-east-1.amazonaws.com", "ap-123456789012", "us-east-1"),
        ("my.photos.s3.eu-west-1.amazonaws.com", "my.photos", "eu-west-1"),
        ("my.s3.photos.s3.eu-west-1.amazonaws.com", "my.s3.photos", "eu-west-1"),
        ("s3.s3.localhost", "s3", None),
        ("my.s3.eu-west-1.s3.localhost", "my.s3.eu-west-1", None),
        ("abc.execute-api.s3.localhost", "abc.execute-api", None),
        ("www.s3-website.s3.localhost", "www.s3-website", None),
        ("lambda.s3.localhost", "lambda", None),
        ("s3.eu-west-1.amazonaws.com", None, "eu-west-1"),
        ("s3-eu-west-1.amazonaws.com", None, "eu-west-1"),
        ("s3.dualstack.eu-west-1.amazonaws.com", None, "eu-west-1"),
        ("s3.localhost:4566", None, None),
    ],
)
def test_buckets(host: str, bucket: str | None, region: str | None) -> None:
    found = read_host(host, BASE_DOMAINS, ENDPOINTS)
    assert (found.plane, found.service, found.attributes.get("bucket"), found.region) == (None, "s3", bucket, region)


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("photos.localhost:4566", "photos"),
        ("my.photos.localhost", "my.photos"),
        ("my-bucket-1.localhost", "my-bucket-1"),
        ("photos.localhost.localstack.cloud:4566", "photos"),
        ("lambda.localhost", "lambda"),  # S3's to say, where a request is signed for it
        ("photos.s3.localhost", None),  # a bucket for certain, among the attributes
        ("photos.eu-west-1.localhost", None),
        ("photos_1.localhost", None),
        ("ab.localhost", None),
        ("localhost:4566", None),
        ("photos.amazonaws.com", None),
        ("photos.on.aws", None),
        ("photos.example.com", None),
    ],
)
def test_what_may_be_a_bucket(host: str, bucket: str | None) -> None:
    found = read_host(host, BASE_DOMAINS, ENDPOINTS)
    assert found.bucket == bucket
    assert bucket is None or found.region is None


def test_a_base_domain_of_ones_own() -> None:
    assert read_host("b.s3.cloud.test:80", ["cloud.test"], {}).attributes["bucket"] == "b"
    assert read_host("b.s3.amazonaws.com", ["cloud.test"], {}) == HostName()


LABELS = st.sampled_from(["s3", "execute-api", "us-east-1", "localhost", "amazonaws", "com", "a", "", "iot", "-", "é"])


@given(st.one_of(st.text(max_size=60), st.lists(LABELS, max_size=8).map(".".join)))
def test_garbage_never_raises(host: str) -> None:
    assert isinstance(read_host(host, BASE_DOMAINS, ENDPOINTS), HostName)


@pytest.mark.parametrize(
    ("address", "local"),
    [
        (
            "https://a1.execute-api.eu-west-1.amazonaws.com/dev/x?y=1#z",
            "http://a1.execute-api.eu-west-1.localhost:4566/dev/x?y=1#z",
        ),
        ("wss://a1.execute-api.eu-west-1.amazonaws.com/prod", "ws://a1.execute-api.eu-west-1.localhost:4566/prod"),
        (f"https://{URL_ID}.lambda-url.us-east-1.on.aws/", f"http://{URL_ID}.lambda-url.us-east-1.localhost:4566/"),
        ("https://d111111abcdef8.cloudfront.net/a", "http://d111111abcdef8.cloudfront.localhost:4566/a"),
        ("http://b.s3-website-us-east-1.amazonaws.com", "http://b.s3-website-us-east-1.localhost:4566"),
        ("https://b.s3.amazonaws.com/key", "http://b.s3.localhost:4566/key"),
        ("http://lb-1.us-east-2.elb.amazonaws.com/", "http://lb-1.us-east-2.elb.localhost:4566/"),
        (
            "https://p.auth.eu-west-1.amazoncognito.com/login",
            "http://p.auth.eu-west-1.amazoncognito.localhost:4566/login",
        ),
        ("https://sqs.us-east-1.amazonaws.com/000000000000/q", "https://sqs.us-east-1.amazonaws.com/000000000000/q"),
        ("https://example.com/", "https://example.com/"),
        ("d111111abcdef8.cloudfront.net", "d111111abcdef8.cloudfront.net"),
        ("https://[", "https://["),
        ("", ""),
    ],
)
def test_local_addresses_reach_the_same(address: str, local: str) -> None:
    assert local_address(address, "http://127.0.0.1:4566") == local
    if local != address:
        here, there = (read_host(urlsplit(one).netloc, BASE_DOMAINS, ENDPOINTS) for one in (local, address))
        assert (here.plane, here.service) == (there.plane, there.service)
        named = [{name: value for name, value in one.attributes.items() if name != "host"} for one in (here, there)]
        assert named[0] == named[1]
