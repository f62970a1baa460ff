"""Hits that are answered without a call: the same bytes as with one, and the same is left behind."""

from __future__ import annotations

import asyncio
import gzip
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kumoi.clock import Clock
from kumoi.cost.budget import Budgets
from kumoi.doorway import Doorway, Faults
from kumoi.doorway.fault import Fault
from kumoi.doorway.host_names import HostNames
from kumoi.platform import Platform, Settings
from kumoi.sandbox.js.contexts import PROVEN
from kumoi.services.cloudfront.edge.edge_logs import EdgeLogs
from kumoi.services.cloudfront.edge.hit_lines import line
from kumoi.services.cloudfront.edge.hits import Hits
from kumoi.services.cloudfront.edge.log_delivery import LogDelivery
from kumoi.services.cloudfront.edge.log_entry import standard_line
from kumoi.services.cloudfront.edge.seen import Hit

OPTIMIZED, SECURITY_HEADERS = "658327ea-f89d-4fab-a63d-7e88639e58f6", "67f7725c-6f97-4210-82d7-5512b31e9d03"
SIMPLE_CORS = "60669652-455b-4ae9-85a4-c4c02393f86c"
CODE = {
    "viewer-response": b"""function handler(event) {
        const response = event.response;
        response.headers['x-behind'] = { value: event.request.uri };
        response.cookies.seen = { value: '1', attributes: 'Path=/' };
        if (event.request.querystring.gone) { response.statusCode = 410; response.body = 'gone'; }
        if (event.request.querystring.a) response.statusCode = 'wrong';
        return response;
    }""",
    "viewer-request": b"""function handler(event) {
        const request = event.request;
        if (request.querystring.log) console.log(request.uri);
        if (request.querystring.go) return { statusCode: 302, headers: { location: { value: '/' } } };
        if (request.cookies.c) request.uri = request.uri.replace('1.txt', 'index.html');
        delete request.headers['x-kind'];
        request.headers['x-twice'] = { value: request.uri + request.uri };
        return request;
    }""",
}
HOST = "www.repeated.example"
NEVER = 1 << 60


class Edge:
    """A platform in a thread of its own with a distribution, asked in raw bytes."""

    def __init__(self, platform: Platform, loop: asyncio.AbstractEventLoop) -> None:
        self.platform = platform
        self.loop = loop
        self.parts = platform.parts
        self.hits = platform.parts[Hits]
        self.key, self.key_id = rsa.generate_private_key(65537, 2048), ""
        self.noted: list[Hit] = []
        note = self.hits.note

        def noting(hit: Hit) -> None:
            self.noted.append(hit)
            note(hit)

        self.hits.note = noting  # type: ignore[method-assign]

    def run(self, wanted: Callable[[], Any]) -> Any:
        async def called() -> Any:
            return wanted()

        return asyncio.run_coroutine_threadsafe(called(), self.loop).result(60)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.platform.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def ask(self, data: bytes) -> bytes:
        """All that is answered to some bytes on a connection of their own."""
        with socket.create_connection(("127.0.0.1", self.platform.port), timeout=60) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            try:
                while piece := connection.recv(65536):
                    received += piece
            except ConnectionResetError:
                received += b"(reset)"
            return received

    def usual(self, data: bytes) -> bytes:
        """The answer that a call gives."""
        self.hits.alone = NEVER
        return self.ask(data)

    def at_once(self, data: bytes) -> bytes:
        """The answer without one, where that can be."""
        self.hits.alone = 0
        self.ask(data)
        return self.ask(data)


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    ready: list[Edge] = []
    known, ended = threading.Event(), asyncio.Event()

    async def main() -> None:
        async with Platform(Settings(port=0, xray_port=0)) as platform:
            ready.append(Edge(platform, asyncio.get_running_loop()))
            known.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert known.wait(60)
    set_up(ready[0])
    yield ready[0]
    ready[0].loop.call_soon_threadsafe(ended.set)
    thread.join(60)


def set_up(edge: Edge) -> None:
    """A bucket, and a distribution with a behaviour of each kind."""
    s3, cloudfront = edge.client("s3"), edge.client("cloudfront")
    for bucket in ("site", "logs"):
        s3.create_bucket(Bucket=bucket)
    for folder in ("", "keyed/", "policy/", "cors/", "function/", "legacy/", "http/", "signed/", "passed/"):
        for name in ("index.html", "1.txt"):
            s3.put_object(
                Bucket="site", Key=folder + name, Body=(folder + name).encode() * 200, ContentType="text/html"
            )
    s3.put_object(Bucket="site", Key="empty", Body=b"", ContentType="a/b; c=%b")
    s3.put_object(Bucket="site", Key="large", Body=b"x" * 200_000, CacheControl="max-age=50")
    policy = {
        "Name": "keyed",
        "MinTTL": 0,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": True,
            "EnableAcceptEncodingBrotli": True,
            "HeadersConfig": {
                "HeaderBehavior": "whitelist",
                "Headers": {"Quantity": 2, "Items": ["X-Kind", "CloudFront-Viewer-Country"]},
            },
            "CookiesConfig": {"CookieBehavior": "whitelist", "Cookies": {"Quantity": 1, "Items": ["c"]}},
            "QueryStringsConfig": {
                "QueryStringBehavior": "whitelist",
                "QueryStrings": {"Quantity": 1, "Items": ["a"]},
            },
        },
    }
    keyed = cloudfront.create_cache_policy(CachePolicyConfig=policy)["CachePolicy"]["Id"]
    pem = edge.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    told = {"CallerReference": "1", "Name": "key", "EncodedKey": pem.decode()}
    edge.key_id = cloudfront.create_public_key(PublicKeyConfig=told)["PublicKey"]["Id"]
    group = cloudfront.create_key_group(KeyGroupConfig={"Name": "g", "Items": [edge.key_id]})["KeyGroup"]["Id"]
    functions = {}
    for event, code in CODE.items():
        made = cloudfront.create_function(
            Name=event, FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"}, FunctionCode=code
        )
        cloudfront.publish_function(Name=event, IfMatch=made["ETag"])
        arn = made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
        functions[event] = {"Quantity": 1, "Items": [{"EventType": event, "FunctionARN": arn}]}
    values = {"QueryString": True, "Cookies": {"Forward": "all"}, "Headers": {"Quantity": 1, "Items": ["Accept"]}}
    behaviours: dict[str, dict[str, Any]] = {
        "keyed/*": {"CachePolicyId": keyed, "Compress": True},
        "policy/*": {"CachePolicyId": OPTIMIZED, "ResponseHeadersPolicyId": SECURITY_HEADERS},
        "cors/*": {"CachePolicyId": OPTIMIZED, "ResponseHeadersPolicyId": SIMPLE_CORS},
        "function/*": {"CachePolicyId": OPTIMIZED, "FunctionAssociations": functions["viewer-response"]},
        "passed/*": {"CachePolicyId": keyed, "FunctionAssociations": functions["viewer-request"]},
        "legacy/*": {"ForwardedValues": values, "MinTTL": 0, "Compress": True},
        "http/*": {"CachePolicyId": OPTIMIZED, "ViewerProtocolPolicy": "redirect-to-https"},
        "signed/*": {
            "CachePolicyId": OPTIMIZED,
            "TrustedKeyGroups": {"Enabled": True, "Quantity": 1, "Items": [group]},
        },
    }
    common = {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all"}
    origin = {
        "Id": "o",
        "DomainName": "site.s3.us-east-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    config = {
        "CallerReference": "one",
        "Comment": "",
        "Enabled": True,
        "Aliases": {"Quantity": 1, "Items": [HOST]},
        "DefaultRootObject": "index.html",
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {**common, "CachePolicyId": OPTIMIZED, "Compress": True},
        "CacheBehaviors": {
            "Quantity": len(behaviours),
            "Items": [{"PathPattern": pattern, **common, **one} for pattern, one in behaviours.items()],
        },
        "Restrictions": {"GeoRestriction": {"RestrictionType": "blacklist", "Quantity": 1, "Items": ["KP"]}},
        "Logging": {"Enabled": True, "IncludeCookies": True, "Bucket": "logs.s3.amazonaws.com", "Prefix": ""},
    }
    cloudfront.create_distribution(DistributionConfig=config)
    for _ in range(PROVEN + 1):
        edge.usual(plain("/passed/1.txt"))
        edge.usual(plain("/function/1.txt"))


_DIFFERS = re.compile(rb"(?<=\r\nX-Amz-Cf-Id: )[^\r]+|(?<=\r\nAge: )[0-9]+|(?<=\r\nDate: )[^\r]+")
_OF_A_MISS = re.compile(
    rb"(?<=Request ID: )\S+|(?<=<RequestId>)[^<]+|(?<=<HostId>)[^<]+|(?<=\r\nx-amz-request-id: )[^\r]+"
    rb"|(?<=\r\nx-amz-id-2: )[^\r]+"
)


def same(answer: bytes) -> bytes:
    """An answer without what differs each time."""
    answer = _DIFFERS.sub(b"", answer)
    return answer if b"\r\nX-Cache: Hit from" in answer else _OF_A_MISS.sub(b"", answer)


FOLDERS = st.sampled_from(
    ["/", "/keyed/", "/policy/", "/cors/", "/function/", "/legacy/", "/http/", "/passed/", "//", "/KEYED/"]
)
NAMES = st.sampled_from(
    [
        "",
        "index.html",
        "1.txt",
        "empty",
        "large",
        "none",
        "%31.txt",
        "1.txt/",
        "..%2f1.txt",
        "../1.txt",
        "../keyed/1.txt",
    ]
)
QUERIES = st.sampled_from(
    [
        "",
        "?",
        "?a=1",
        "?a=2&b=1",
        "?b=1",
        "?a=1&a=2",
        "?a",
        "?go",
        "?gone=1",
        "?a=%26b",
        "?X-Amz-Signature=1",
        "?a=1#x",
        "?a=1?b",
    ]
)
FIELDS = st.sampled_from(
    [
        "Accept: */*",
        "Accept: text/html",
        "Accept-Encoding: gzip",
        "Accept-Encoding: br;q=1, gzip;q=0",
        "accept-encoding:*",
        "Cookie: c=1; d=2",
        "Cookie: d=2",
        "Cookie: c=2",
        "X-Kind: 1",
        "x-kind: 2",
        "X-Kind:",
        "Origin: https://a.example",
        'If-None-Match: "x"',
        "If-None-Match: *",
        "If-Modified-Since: Mon, 30 Nov 2026 00:00:00 GMT",
        "Range: bytes=0-3",
        "If-Range: x",
        "X-Forwarded-Proto: http",
        "x-kumoi-pop: NRT",
        "x-kumoi-viewer-country: KP",
        "x-kumoi-viewer-country: DE",
        "x-kumoi-distribution: none",
        "CloudFront-Viewer-Country: FR",
        "Connection: close",
        "Connection: Keep-Alive",
        "Connection: X-Kind",
        "Content-Length: 0",
        "Content-Length: 4",
        "Transfer-Encoding: chunked",
        "Expect: 100-continue",
        "Upgrade: websocket",
        "Authorization: Basic eDp5",
        "Via: 1.1 x (CloudFront)",
        "Host: other.example",
        " folded: 1",
        "no colon",
        "A: \x00",
        "A : b",
    ]
)
HOSTS = st.sampled_from(
    [f"Host: {HOST}"] * 6 + [f"host:{HOST}", f"Host: {HOST}:80", f"Host: {HOST.upper()}", "Host: x"]
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Heads that are well formed, or nearly."""
    method = draw(st.sampled_from(["GET"] * 8 + ["HEAD", "POST", "OPTIONS", "get", "GET "]))
    version = draw(st.sampled_from(["HTTP/1.1"] * 8 + ["HTTP/1.0", "HTTP/1.1 ", "HTTP/2.0"]))
    target = draw(FOLDERS) + draw(NAMES) + draw(QUERIES)
    fields = draw(st.lists(FIELDS, max_size=3))
    data = "\r\n".join([f"{method} {target} {version}", draw(HOSTS), *fields, "", ""]).encode("latin-1")
    for _ in range(draw(st.sampled_from([0] * 6 + [1, 2]))):
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(st.binary(max_size=2)) + data[place + draw(st.integers(0, 2)) :]
    return data + draw(st.sampled_from([b""] * 6 + [b"x", b"\r\n", b"GET / HTTP/1.1\r\n\r\n"]))


def plain(target: str, *fields: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {HOST}", *fields, "", ""]).encode()


@settings(max_examples=100)
@given(data=requests())
@example(plain("/"))
@example(plain("/keyed/1.txt?b=1&a=2", "Accept-Encoding: gzip", "Cookie: d=1; c=2", "X-Kind: 1"))
@example(plain("/legacy/1.txt?b=1&a=2", "Accept-Encoding: gzip", "Cookie: d=1; c=2"))
@example(plain("/policy/1.txt"))
@example(plain("/cors/1.txt"))
@example(plain("/cors/1.txt", "Origin: https://a.example"))
@example(plain("/passed/1.txt?a=1", "Cookie: c=1"))
@example(plain("/function/1.txt"))
@example(plain("/function/1.txt?gone=1"))
@example(plain("/large"))
@example(plain("/empty"))
def test_without_a_call_the_answer_is_what_it_is_with_one(edge: Edge, data: bytes) -> None:
    edge.usual(data)
    assert same(edge.at_once(data)) == same(edge.usual(data))


@pytest.mark.parametrize(
    "field",
    [
        "X-None: 1",
        "X-Forwarded-Proto: http",
        "X-Kind: 1",
        "Cookie: c=1",
        "Accept: text/html",
        "Accept-Encoding: br",
        "Origin: https://a.example",
        "x-kumoi-viewer-country: DE",
        "x-kumoi-pop: FRA",
    ],
)
def test_fields_seen_at_one_path_mean_at_another_what_they_mean_there(edge: Edge, field: str) -> None:
    targets = ["/", "/1.txt", "/none", "/keyed/1.txt", "/keyed/1.txt?a=1", "/keyed/1.txt?b=1", "/keyed/1.txt?a=1?"]
    targets += [
        f"/{folder}/1.txt{query}"
        for folder in ("policy", "cors", "function", "legacy", "http", "passed")
        for query in ("", "?a=1")
    ]
    usual = {}
    for target in targets:
        edge.usual(plain(target, field))
        usual[target] = edge.usual(plain(target, field))
    edge.at_once(plain("/1.txt", field))
    for target in targets:
        assert same(edge.ask(plain(target, field))) == same(usual[target]), target


def test_nobody_gets_what_somebody_was_signed_for(edge: Edge) -> None:
    signer = CloudFrontSigner(edge.key_id, lambda message: edge.key.sign(message, padding.PKCS1v15(), hashes.SHA1()))
    later = datetime.fromtimestamp(edge.parts[Clock].now(), UTC) + timedelta(hours=1)
    url = signer.generate_presigned_url(f"https://{HOST}/signed/1.txt", date_less_than=later)
    for _ in range(3):
        assert edge.at_once(plain("/" + url.split("/", 3)[3])).startswith(b"HTTP/1.1 200")
    assert edge.at_once(plain("/1.txt")).startswith(b"HTTP/1.1 200")
    for path in ("/signed/1.txt", "/1/../signed/1.txt", "/%73igned/1.txt", "/1/%2e%2e/signed/1.txt", "/./signed/1.txt"):
        assert edge.at_once(plain(path)).startswith(b"HTTP/1.1 403"), path


@pytest.mark.parametrize(
    ("request_", "answered"),
    [
        (plain("/"), True),
        (plain("/1.txt?x=1", "Accept-Encoding: br", "Connection: keep-alive"), True),
        (plain("/large"), True),
        (plain("/empty"), True),
        (plain("/keyed/1.txt?a=1", "Cookie: c=1", "X-Kind: 7"), True),
        (plain("/legacy/1.txt?a=1", "Cookie: c=1"), True),
        (plain("/policy/1.txt", "Origin: https://a.example"), True),
        (plain("/cors/1.txt"), True),
        (plain("/cors/1.txt", "Origin: https://a.example"), False),
        (plain("/function/1.txt"), True),
        (plain("/function/1.txt?gone=1"), True),
        (plain("/function/1.txt?a=1"), False),
        (plain("/passed/1.txt?a=1", "Cookie: c=1"), True),
        (plain("/passed/1.txt?log"), True),
        (plain("/passed/1.txt?go"), False),
        (plain("/http/1.txt"), True),
        (plain("/http/1.txt", "X-Forwarded-Proto: http"), False),
        (plain("/1.txt", "x-kumoi-viewer-country: KP"), False),
        (plain("/1.txt", "Range: bytes=0-3"), False),
        (plain("/1.txt", 'If-None-Match: "x"'), False),
        (plain("/none"), False),
    ],
)
def test_which_hits_need_no_call(edge: Edge, request_: bytes, answered: bool) -> None:
    edge.usual(request_)
    before = len(edge.noted)
    edge.at_once(request_)
    assert (len(edge.noted) > before) is answered


def test_lines_are_those_of_the_standard_log(edge: Edge) -> None:
    data = plain("/keyed/1.txt?a=%251&b", "Cookie: c=100%25", "User-Agent: a b\t%s", "Referer: http://x/%", "X-Kind: l")
    edge.usual(data)
    edge.at_once(data)
    hit = edge.noted[-1]
    assert line(hit) == standard_line(hit.entry(), cookies=True)
    gone = plain("/function/1.txt?gone=1", "X-Lines: 1")
    edge.usual(plain("/function/1.txt", "X-Lines: 1"))
    edge.at_once(gone)
    assert "\t4\t127.0.0.1\t" in line(edge.noted[-1])
    assert line(edge.noted[-1]) == standard_line(edge.noted[-1].entry(), cookies=True)
    assert "/keyed/1.txt\t200\thttp://x/%\ta%20b%09%s\ta=%251&b\tc=100%25\tHit\t" in line(hit)


def answers_at_once(edge: Edge, data: bytes) -> bool:
    """Whether a request that was answered without a call before is so now: it is asked once."""
    before = len(edge.noted)
    edge.hits.alone = 0
    assert edge.ask(data).startswith(b"HTTP/1.1 200")
    return len(edge.noted) > before


def test_what_has_changed_is_asked_for_anew(edge: Edge) -> None:
    data = plain("/1.txt", "X-Changed: 1")
    edge.usual(data)
    edge.at_once(data)
    assert answers_at_once(edge, data)
    faults, budgets, names = edge.parts[Faults], edge.parts[Budgets], edge.parts[HostNames]  # type: ignore[type-abstract]
    edge.run(lambda: faults.add(Fault(id="f", service="sqs", action="fail")))
    assert not answers_at_once(edge, data)
    edge.run(lambda: faults.remove("f"))
    assert answers_at_once(edge, data)
    edge.run(lambda: budgets.set(1000.0))
    assert not answers_at_once(edge, data)
    edge.run(lambda: budgets.clear())
    assert answers_at_once(edge, data)
    edge.run(lambda: names.claim("x.example", "elb", "us-east-1", {}))
    assert not answers_at_once(edge, data)
    assert answers_at_once(edge, data)
    cloudfront = edge.client("cloudfront")
    every = cloudfront.list_distributions()["DistributionList"]["Items"]
    [one] = [each for each in every if HOST in each["Aliases"].get("Items", ())]
    edge.client("s3").put_object(Bucket="site", Key="1.txt", Body=b"changed")
    batch = {"Paths": {"Quantity": 1, "Items": ["/1.txt"]}, "CallerReference": "1"}
    cloudfront.create_invalidation(DistributionId=one["Id"], InvalidationBatch=batch)
    assert edge.ask(data).endswith(b"\r\n\r\nchanged")
    given = cloudfront.get_distribution_config(Id=one["Id"])
    given["DistributionConfig"]["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] = SECURITY_HEADERS
    changed = {"Id": one["Id"], "IfMatch": given["ETag"], "DistributionConfig": given["DistributionConfig"]}
    cloudfront.update_distribution(**changed)
    for _ in range(3):
        assert b"X-Content-Type-Options" in edge.ask(data)


def test_what_is_left_behind(edge: Edge) -> None:
    doorway, clock = edge.parts[Doorway], edge.parts[Clock]
    data = plain("/policy/index.html", "X-Left: 1")
    edge.usual(data)
    edge.at_once(data)
    edge.run(edge.hits.tell)
    edge.run(lambda: edge.parts[LogDelivery].recent.clear())
    hops = len(doorway.hops.latest(10_000))
    before = len(edge.noted)
    edge.hits.alone = 3
    for _ in range(10):
        assert edge.ask(data).startswith(b"HTTP/1.1 200")
    edge.run(edge.hits.tell)
    found = [hop for hop in doorway.hops.latest(10_000)[hops:] if hop.operation == "cloudfront-edge"]
    answered = edge.noted[before:]
    size = len("policy/index.html") * 200
    assert sum(hop.calls for hop in found) == 10
    assert sum(hop.response_bytes for hop in found) == 10 * size
    assert {(hop.target, hop.source, hop.outcome) for hop in found} == {(found[0].target, "client", "ok")}
    assert {hop.units["cloudfront:status"] for hop in found} == {200}
    assert sum(hop.calls for hop in found if hop.calls > 1 or not hop.parent) >= len(answered)
    recent = edge.hits.recent()[:10]
    assert {one.request_id for one in recent} >= {hit.request_id for hit in answered}
    assert [one.uri for one in recent] == ["/policy/index.html"] * 10
    s3 = edge.client("s3")
    edge.run(lambda: clock.advance(6))
    told: list[str] = []
    deadline = time.monotonic() + 60
    while not any(answered[-1].request_id in row for row in told):
        assert time.monotonic() < deadline, "the request is not logged"
        for one in s3.list_objects_v2(Bucket="logs").get("Contents", []):
            told += gzip.decompress(s3.get_object(Bucket="logs", Key=one["Key"])["Body"].read()).decode().split("\n")
    ids = {row.split("\t")[14] for row in told if row.count("\t") == 32}
    assert {hit.request_id for hit in edge.noted} <= ids


def site_config(reference: str, *, enabled: bool = True) -> dict[str, Any]:
    origin = {
        "Id": "o",
        "DomainName": "site.s3.us-east-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    return {
        "CallerReference": reference,
        "Comment": "",
        "Enabled": enabled,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "o",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": OPTIMIZED,
        },
    }


def test_nothing_is_kept_of_a_distribution_that_is_deleted(edge: Edge) -> None:
    cloudfront = edge.client("cloudfront")
    made = cloudfront.create_distribution(DistributionConfig=site_config("two"))["Distribution"]
    data = f"GET /1.txt HTTP/1.1\r\nHost: {made['DomainName']}\r\n\r\n".encode()
    edge.usual(data)
    edge.at_once(data)
    assert edge.noted[-1].seen.served.id == made["Id"]
    assert made["Id"] in edge.hits._tallies
    found = cloudfront.get_distribution_config(Id=made["Id"])
    changed = {**found["DistributionConfig"], "Enabled": False}
    tag = cloudfront.update_distribution(Id=made["Id"], IfMatch=found["ETag"], DistributionConfig=changed)["ETag"]
    edge.run(lambda: edge.parts[Clock].advance(3600))
    cloudfront.delete_distribution(Id=made["Id"], IfMatch=tag)
    assert made["Id"] not in edge.hits._tallies
    found = [hop for hop in edge.parts[Doorway].hops.latest(10_000) if hop.operation == "cloudfront-edge"]
    assert sum(hop.calls for hop in found if hop.target == f"cloudfront:{made['Id']}") == 3


def test_the_last_hits_before_the_end_are_in_the_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told before any service ends, whoever makes metrics of them."""
    monkeypatch.setattr("kumoi.services.cloudfront.edge.hits.PERIOD", 3600)

    def asked(edge: Edge) -> str:
        s3 = edge.client("s3")
        s3.create_bucket(Bucket="site")
        s3.put_object(Bucket="site", Key="1.txt", Body=b"1")
        config = site_config("one")
        made = edge.client("cloudfront").create_distribution(DistributionConfig=config)["Distribution"]
        data = f"GET /1.txt HTTP/1.1\r\nHost: {made['DomainName']}\r\n\r\n".encode()
        edge.usual(data)
        for _ in range(2):
            edge.at_once(data)
        assert len(edge.noted) > 1
        return str(made["Id"])

    def counted(edge: Edge, distribution: str) -> float:
        dimensions = [{"Name": "DistributionId", "Value": distribution}, {"Name": "Region", "Value": "Global"}]
        now = datetime.now(UTC)
        found = edge.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/CloudFront",
            MetricName="Requests",
            Dimensions=dimensions,
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=60,
            Statistics=["Sum"],
        )
        return sum(one["Sum"] for one in found["Datapoints"])

    async def scenario() -> float:
        settings = Settings(port=0, xray_port=0, data=tmp_path)
        loop = asyncio.get_running_loop()
        async with Platform(settings) as platform:
            distribution = await asyncio.to_thread(asked, Edge(platform, loop))
        async with Platform(settings) as platform:
            return await asyncio.to_thread(counted, Edge(platform, loop), distribution)

    assert asyncio.run(scenario()) == 5


def test_a_body_that_never_comes_is_no_failure_of_ours(edge: Edge) -> None:
    hops = edge.parts[Doorway].hops
    data = plain("/1.txt", "Content-Length: 4", "Expect: 100-continue")
    assert edge.ask(data) == b"HTTP/1.1 100 Continue\r\n\r\n"
    deadline = time.monotonic() + 60
    while not (last := hops.latest(1)) or last[0].outcome != "Cancelled":
        assert time.monotonic() < deadline, last


def test_what_functions_log_and_cost_is_told(edge: Edge) -> None:
    doorway, data = edge.parts[Doorway], plain("/passed/1.txt?log=1", "X-Told: 1")
    edge.usual(data)
    edge.at_once(data)
    edge.run(edge.hits.tell)
    hops, before = len(doorway.hops.latest(10_000)), len(edge.noted)
    for _ in range(5):
        edge.ask(data)
    edge.run(edge.hits.tell)
    answered = edge.noted[before:]
    found = [hop for hop in doorway.hops.latest(10_000)[hops:] if "cloudfront:function" in hop.units]
    assert sum(hop.units["cloudfront:function"] for hop in found) == 5
    assert len(answered) == 5
    assert all(0 <= hop.units["cloudfront:utilization/viewer-request"] <= 100 for hop in found)
    asyncio.run_coroutine_threadsafe(edge.parts[EdgeLogs].settle(), edge.loop).result(60)
    events = edge.client("logs").filter_log_events(logGroupName="/aws/cloudfront/function/viewer-request")["events"]
    told = {event["message"] for event in events}
    assert {f"{hit.request_id} /passed/1.txt" for hit in answered} <= told


@pytest.mark.parametrize(
    ("traffic", "answered"),
    [
        ({"Type": "SingleHeader", "SingleHeaderConfig": {"Header": "aws-cf-cd-try", "Value": "1"}}, True),
        ({"Type": "SingleWeight", "SingleWeightConfig": {"Weight": 0.1}}, False),
    ],
)
def test_who_is_staged_by_chance_takes_it_each_time(edge: Edge, traffic: dict[str, Any], answered: bool) -> None:
    cloudfront = edge.client("cloudfront")
    known = cloudfront.list_distributions()["DistributionList"]["Items"]
    first = next(one for one in known if one["Aliases"]["Quantity"])
    given = cloudfront.get_distribution_config(Id=first["Id"])["DistributionConfig"]
    given |= {"CallerReference": traffic["Type"], "Aliases": {"Quantity": 0}, "CacheBehaviors": {"Quantity": 0}}
    made = cloudfront.create_distribution(DistributionConfig=given)
    primary = made["Distribution"]
    copied = cloudfront.copy_distribution(
        PrimaryDistributionId=primary["Id"], Staging=True, CallerReference="c", IfMatch=made["ETag"], Enabled=True
    )["Distribution"]
    policy = cloudfront.create_continuous_deployment_policy(
        ContinuousDeploymentPolicyConfig={
            "StagingDistributionDnsNames": {"Quantity": 1, "Items": [copied["DomainName"]]},
            "Enabled": True,
            "TrafficConfig": traffic,
        }
    )["ContinuousDeploymentPolicy"]
    given = primary["DistributionConfig"] | {"ContinuousDeploymentPolicyId": policy["Id"]}
    cloudfront.update_distribution(Id=primary["Id"], IfMatch=made["ETag"], DistributionConfig=given)
    data = f"GET /1.txt HTTP/1.1\r\nHost: {primary['DomainName']}\r\n\r\n".encode()
    for _ in range(3):
        assert edge.usual(data).startswith(b"HTTP/1.1 200")
    before = len(edge.noted)
    for _ in range(20):
        edge.at_once(data)
    assert (len(edge.noted) > before) is answered
