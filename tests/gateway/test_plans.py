"""Requests like one before, for which all was found out: what is their own counts all the same."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest


class Client:
    """One connection, whose requests differ in a date, a signature, a trace and their bodies at most."""

    def __init__(self, kumoi: Any, service: str) -> None:
        at = urlsplit(kumoi.url)
        self._connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=60)
        self._scope = f"Credential={kumoi.account}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
        self._sent = 0

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        self._sent += 1
        signature = f"{self._sent:064x}"
        fields = {
            "X-Amz-Date": f"20260101T{self._sent:06}Z",
            "Authorization": f"AWS4-HMAC-SHA256 {self._scope}, Signature={signature}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        self._connection.request(method, path, body, fields)
        answer = self._connection.getresponse()
        content = answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content

    def json(self, target: str, content: Any, **headers: str) -> tuple[int, dict[str, str], Any]:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        kind = {"X_Amz_Target": target, "Content_Type": "application/x-amz-json-1.0"}
        status, answered, found = self.ask("POST", "/", body, **kind, **headers)
        return status, answered, json.loads(found)

    def close(self) -> None:
        self._connection.close()


Dial = Callable[[str], Client]


@pytest.fixture
def dial(kumoi: Any) -> Iterator[Dial]:
    """Connect, to sign for a service."""
    made: list[Client] = []

    def one(service: str) -> Client:
        made.append(Client(kumoi, service))
        return made[-1]

    yield one
    for client in made:
        client.close()


def test_bodies_ids_and_errors_are_each_requests_own(dial: Dial) -> None:
    client = dial("sqs")
    client.json("AmazonSQS.CreateQueue", {"QueueName": "q"})
    ids = set()
    for number in range(5):
        status, headers, found = client.json("AmazonSQS.GetQueueUrl", {"QueueName": "q"})
        assert status == 200 and found["QueueUrl"].endswith("/q")
        ids.add(headers["x-amzn-requestid"])
        status, _, found = client.json("AmazonSQS.GetQueueUrl", {"QueueName": f"n{number % 2}"})
        assert (status, found["__type"]) == (400, "com.amazonaws.sqs#QueueDoesNotExist")
        status, _, found = client.json("AmazonSQS.GetQueueUrl", b"{nothing")
        assert (status, found["__type"]) == (400, "com.amazonaws.sqs#SerializationException")
    assert len(ids) == 5


def test_a_trace_goes_on_from_each_request(kumoi: Any, dial: Dial) -> None:
    client = dial("sqs")
    roots = [f"1-6512bd43-{number:024x}" for number in range(4)]
    for root in roots:
        client.json("AmazonSQS.ListQueues", {}, X_Amzn_Trace_Id=f"Root={root};Sampled=1")
    with urllib.request.urlopen(f"{kumoi.url}/_kumoi/hops?account={kumoi.account}", timeout=60) as answer:
        hops = json.load(answer)["hops"]
    assert [hop["trace"] for hop in hops] == roots


def test_uploads_are_checked_by_their_own_digests(dial: Dial) -> None:
    client = dial("s3")
    client.ask("PUT", "/bucket")

    def put(body: bytes, digest: str) -> tuple[int, bytes]:
        status, _, found = client.ask("PUT", "/bucket/key", body, Content_MD5=digest)
        return status, found

    def md5(body: bytes) -> str:
        return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()

    for number in range(4):
        body = b"body %d" % number
        assert put(body, md5(body))[0] == 200
        assert client.ask("GET", "/bucket/key")[2] == body
        status, found = put(b"other%d" % number, md5(body))
        assert status == 400 and b"BadDigest" in found
        status, found = put(body, "A" * len(md5(body)))
        assert status == 400 and b"InvalidDigest" in found


def test_a_bucket_in_the_host_name(dial: Dial) -> None:
    client = dial("s3")
    client.ask("PUT", "/bucket")
    for number in range(3):
        body = b"%d" % number
        assert client.ask("PUT", "/key", body, Host="bucket.s3.localhost")[0] == 200
        assert client.ask("GET", "/key", Host="bucket.s3.localhost")[2] == body
        assert client.ask("GET", "/bucket/key")[2] == body


@pytest.mark.parametrize("origin", ["https://one.example", "https://two.example"])
def test_origins_get_their_answers(kumoi: Any, dial: Dial, origin: str) -> None:
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket="bucket")
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://one.example"]}
    s3.put_bucket_cors(Bucket="bucket", CORSConfiguration={"CORSRules": [rule]})
    s3.put_object(Bucket="bucket", Key="key", Body=b"x")
    client = dial("s3")
    found = [client.ask("GET", "/bucket/key", Origin=origin)[1].get("access-control-allow-origin") for _ in range(3)]
    assert found == [origin if origin == "https://one.example" else None] * 3


def test_invocations_alike_have_each_their_payload_and_their_errors(
    kumoi: Any, dial: Dial, zipped: Callable[[dict[str, str]], bytes]
) -> None:
    kumoi.client("lambda").create_function(
        FunctionName="f",
        Runtime="python3.12",
        Role="arn:aws:iam::123456789012:role/any",
        Handler="index.handler",
        Code={"ZipFile": zipped({"index.py": "def handler(event, context):\n    return event\n"})},
    )
    client = dial("lambda")

    def invoke(payload: bytes, name: str = "f", **headers: str) -> tuple[int, bytes]:
        status, _, found = client.ask("POST", f"/2015-03-31/functions/{name}/invocations", payload, **headers)
        return status, found

    for number in range(4):
        assert invoke(b"[%d]" % number) == (200, b"[%d]" % number)
        assert invoke(b"") == (200, b"{}")
        assert invoke(b"{%d" % number)[0] == 400, "no JSON"
        assert invoke(b"[1]", X_Amz_Invocation_Type="DryRun") == (204, b"")
        status, found = invoke(b"[1]", X_Amz_Invocation_Type="Never")
        assert status == 400 and b"failed to satisfy constraint" in found
        assert invoke(b"[1]", "missing")[0] == 404
    kumoi.client("lambda").delete_function(FunctionName="f")
    assert invoke(b"[1]")[0] == 404
