"""Whatever clients, viewers and functions send, they are told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import copy
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse
from kumoi.services.cloudfront.edge.origin import Origin
from kumoi.services.cloudfront.functions import answer as small
from kumoi.services.cloudfront.functions.event import event_of
from kumoi.services.cloudfront.lambda_edge import result as large
from kumoi.services.cloudfront.lambda_edge.fields import Invalid

Config = Callable[..., dict[str, Any]]

QUICK = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
words = st.sampled_from(
    ["", "a", "/", "/*", "one", "http", "-1", "0", "999999999999999999999", "ü", "\U0001f600", "*.example.com",
     "a" * 300,
     "arn:aws:cloudfront::000000000000:function/x", "arn:aws:lambda:us-east-1:000000000000:function:f:1", "arn:", "GET",
     "viewer-request", "E123", "%00", "..", "true", "https://x", "text/html", "b.s3.amazonaws.com", "whitelist"]
)  # fmt: skip
scalars = st.one_of(words, st.integers(-(2**40), 2**40), st.booleans(), st.none(), st.floats(allow_nan=False))
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(node, dict):
        return found + [one for key, inner in node.items() for one in places(inner, (*path, key))]
    if isinstance(node, list):
        return found + [one for index, inner in enumerate(node) for one in places(inner, (*path, index))]
    return found


def changed(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    node = copy.deepcopy(node)
    at = node
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return node


def full(config: Config) -> dict[str, Any]:
    """A configuration that says something in nearly every place."""
    functions = {
        "Quantity": 1,
        "Items": [{"EventType": "viewer-request", "FunctionARN": "arn:aws:cloudfront::0:function/f"}],
    }
    return config(
        Aliases={"Quantity": 1, "Items": ["a.example.com"]},
        DefaultRootObject="index.html",
        PriceClass="PriceClass_All",
        CustomErrorResponses={
            "Quantity": 1,
            "Items": [{"ErrorCode": 404, "ResponseCode": "200", "ResponsePagePath": "/a", "ErrorCachingMinTTL": 1}],
        },
        CacheBehaviors={
            "Quantity": 1,
            "Items": [
                {
                    "PathPattern": "/a/*",
                    "TargetOriginId": "one",
                    "ViewerProtocolPolicy": "allow-all",
                    "MinTTL": 0,
                    "ForwardedValues": {"QueryString": True, "Cookies": {"Forward": "none"}},
                    "FunctionAssociations": functions,
                    "TrustedKeyGroups": {"Enabled": True, "Quantity": 1, "Items": ["g"]},
                }
            ],
        },
        Logging={"Enabled": True, "IncludeCookies": True, "Bucket": "b.s3.amazonaws.com", "Prefix": ""},
        Restrictions={"GeoRestriction": {"RestrictionType": "blacklist", "Quantity": 1, "Items": ["JP"]}},
        ViewerCertificate={"CloudFrontDefaultCertificate": True},
        OriginGroups={
            "Quantity": 1,
            "Items": [
                {
                    "Id": "group",
                    "FailoverCriteria": {"StatusCodes": {"Quantity": 1, "Items": [500]}},
                    "Members": {"Quantity": 2, "Items": [{"OriginId": "one"}, {"OriginId": "two"}]},
                }
            ],
        },
    )


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("cloudfront", parameter_validation=False)


@QUICK
@given(st.data())
def test_configurations(client: Any, config: Config, data: st.DataObject) -> None:
    given_config = full(config)
    where = data.draw(st.sampled_from(places(given_config)))
    broken = changed(given_config, where, data.draw(words))
    try:
        client.create_distribution(DistributionConfig=broken)
    except ClientError as refusal:
        assert refusal.response["ResponseMetadata"]["HTTPStatusCode"] < 500, refusal
    except (AttributeError, TypeError, ValueError, KeyError):
        return  # botocore cannot write it


@pytest.fixture
def domain(kumoi: Any, config: Config) -> str:
    given_config = config(f"nothing-{kumoi.account}.s3.us-east-1.amazonaws.com")
    made = kumoi.client("cloudfront").create_distribution(DistributionConfig=given_config)
    return str(made["Distribution"]["DomainName"])


targets = st.one_of(
    st.sampled_from(
        ["/", "//", "/..", "/%", "/%ff", "/a?b#c", "/?x-kumoi-pop=1", "*", "/" + "a" * 9000, "/_kumoi/edge/replay/x"]
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20).map(lambda text: f"/{text}"),
)
fields = st.lists(
    st.tuples(
        st.sampled_from(
            ["Range", "If-None-Match", "If-Modified-Since", "Cookie", "x-kumoi-pop", "x-kumoi-viewer-country", "Via",
             "Accept-Encoding", "Origin", "X-Forwarded-Proto", "Pragma", "Content-Length", "x-kumoi-distribution"]
        ),
        st.sampled_from(["", "bytes=0-", "bytes=-0", "bytes=9-1", '"', "*", "a=b; c", "NRT", "JP", "br;q=x", "null",
             "0", "-1", "http"]),
    ),
    max_size=4,
)  # fmt: skip


@QUICK
@given(method=st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "BREW"]), target=targets, sent=fields)
def test_viewers(kumoi: Any, domain: str, method: str, target: str, sent: list[tuple[str, str]]) -> None:
    address = urlsplit(kumoi.url)
    lines = [f"{method} {target} HTTP/1.1", f"Host: {domain}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in sent]
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        head = connection.recv(65_536)
    status = int(head.split(b" ", 2)[1])
    assert 200 <= status < 500 or status == 501, head


REQUEST = EdgeRequest(
    "GET", "/a", "q=1&q=2", [("Host", "h"), ("Cookie", "a=1"), ("X-A", "1")], "1.2.3.4", b"", Origin("one", "x.org")
)
RESPONSE = EdgeResponse(200, [("ETag", "e"), ("Set-Cookie", "a=1; Path=/"), ("Via", "v")], b"body")


@QUICK
@given(st.data())
def test_answers_of_cloudfront_functions(data: st.DataObject) -> None:
    event = event_of("viewer-response", "E1", "d", "id", REQUEST, RESPONSE)
    for kind, read, before in (
        ("request", small.read_request, REQUEST),
        ("response", small.read_response, RESPONSE),
    ):
        answer = event[kind]
        broken = changed(answer, data.draw(st.sampled_from(places(answer))), data.draw(anything))
        for value in (broken, data.draw(anything)):
            try:
                read(value, before, event)  # type: ignore[operator]
            except small.Invalid as refusal:
                assert str(refusal)


@QUICK
@given(st.data())
def test_answers_of_lambda_edge(data: st.DataObject) -> None:
    from kumoi.services.cloudfront.lambda_edge.event import headers_of, request_of

    request = request_of(REQUEST, "origin-request", include_body=True)
    response = {"status": "200", "headers": headers_of(RESPONSE.headers), "body": "x", "bodyEncoding": "text"}
    broken = changed(request, data.draw(st.sampled_from(places(request))), data.draw(anything))
    other = changed(response, data.draw(st.sampled_from(places(response))), data.draw(anything))
    for value in (broken, other, data.draw(anything)):
        payload = orjson.dumps(value)
        for read in (
            lambda payload=payload: large.read_request(payload, REQUEST, "origin-request", include_body=True),
            lambda payload=payload: large.read_response(payload, RESPONSE, "origin-response"),
        ):
            try:
                read()
            except Invalid as refusal:
                assert refusal.page
