"""Garbage against a whole platform: valid AWS requests, mutated, must never be answered with a 5xx but 501, nor hang.

    python tests/fuzz/api_fuzz.py --seconds 600 [--seed N]

Starts an ephemeral platform of its own. `tests/fuzz/test_api_fuzz.py` sends a few hundred.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ANSWER_SECONDS = 20.0
SCOPE = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{name}/aws4_request, SignedHeaders=host, Signature=00"

JSON_VALUES: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, "", "x" * 300, "\u0000", "雲", [], {}, [[]], {"": ""}, [None], {"a": {"b": []}},
    "arn:aws:lambda:us-east-1:000000000000:function:f", "../../etc/passwd", "2026-01-01T00:00:00Z", "-9" * 40,
]  # fmt: skip

LAMBDA_PATHS = [
    "/2015-03-31/functions",
    "/2015-03-31/functions/f",
    "/2015-03-31/functions/f/configuration",
    "/2015-03-31/functions/f/code",
    "/2015-03-31/functions/f/invocations",
    "/2015-03-31/functions/f/versions",
    "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af",
    "/2016-08-19/account-settings",
]
LAMBDA_MEMBERS = {
    "FunctionName": "f", "Runtime": "python3.11", "Role": "arn:aws:iam::000000000000:role/r", "Handler": "a.b",
    "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}, "Timeout": 3, "MemorySize": 128, "Tags": {"a": "b"},
    "Environment": {"Variables": {"A": "1"}}, "LoggingConfig": {"LogFormat": "JSON"}, "TagKeys": ["a"],
}  # fmt: skip
LOGS_OPERATIONS = [
    "CreateLogGroup", "DeleteLogGroup", "DescribeLogGroups", "CreateLogStream", "DescribeLogStreams", "PutLogEvents",
    "GetLogEvents", "FilterLogEvents", "PutRetentionPolicy", "TagResource", "TestMetricFilter", "NoSuchOperation",
]  # fmt: skip
LOGS_MEMBERS = {
    "logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}], "limit": 5,
    "retentionInDays": 7, "filterPattern": "{ $.a = 1 }", "nextToken": "f/1", "logEventMessages": ["x"],
    "resourceArn": "arn:aws:logs:us-east-1:000000000000:log-group:g", "tags": {"a": "b"},
}  # fmt: skip
QUERY_OPERATIONS = {
    "iam": ("2010-05-08", ["CreateRole", "GetRole", "ListRoles", "PutRolePolicy", "CreatePolicy", "CreateUser", "X"]),
    "sts": ("2011-06-15", ["GetCallerIdentity", "AssumeRole", "GetAccessKeyInfo", "GetSessionToken", "X"]),
}
QUERY_MEMBERS = {
    "RoleName": "r", "AssumeRolePolicyDocument": "{}", "PolicyName": "p", "PolicyDocument": "{}", "UserName": "u",
    "RoleArn": "arn:aws:iam::000000000000:role/r", "RoleSessionName": "s", "Tags.member.1.Key": "k",
    "Tags.member.1.Value": "v", "MaxItems": "3", "DurationSeconds": "900", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
}  # fmt: skip


def a_request(rng: random.Random) -> bytes:
    """One request: an AWS call of some service with some of its members wrong, and sometimes bytes flipped."""
    make: Callable[[random.Random], tuple[str, str, dict[str, str], bytes]] = rng.choice(
        [_lambda, _logs, _query, _other]
    )
    method, path, headers, body = make(rng)
    headers = {"Host": "127.0.0.1", **headers}
    if rng.random() < 0.1:
        body = _flipped(rng, body)
    if rng.random() < 0.05:
        headers[rng.choice(["X-Amz-Target", "Content-Type", "Authorization", "smithy-protocol"])] = "".join(
            chr(rng.randint(33, 126)) for _ in range(rng.randint(0, 30))
        )
    headers["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def _mutated(rng: random.Random, members: dict[str, Any]) -> dict[str, Any]:
    chosen = {name: value for name, value in members.items() if rng.random() < 0.7}
    for name in list(chosen):
        if rng.random() < 0.25:
            chosen[name] = rng.choice(JSON_VALUES)
    if rng.random() < 0.1:
        chosen[rng.choice(["Unknown", "", "a b"])] = rng.choice(JSON_VALUES)
    return chosen


def _flipped(rng: random.Random, body: bytes) -> bytes:
    content = bytearray(body or b"{}")
    for _ in range(rng.randint(1, 4)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content)


def _lambda(rng: random.Random) -> tuple[str, str, dict[str, str], bytes]:
    path = rng.choice(LAMBDA_PATHS)
    if rng.random() < 0.3:
        query = rng.choice(
            ["Qualifier=1", "Qualifier=%24LATEST", "MaxItems=x", "Marker=%FF", "FunctionVersion=ALL", "a"]
        )
        path += f"?{query}"
    if rng.random() < 0.15:
        path = path.replace("/f", rng.choice(["/%2e%2e", "/" + "f" * 200, "/f%00", "//", "/f:prod", "/%E9%9B%B2"]))
    headers = {"Authorization": SCOPE.format(name="lambda"), "Content-Type": "application/json"}
    if rng.random() < 0.3:
        headers["X-Amz-Invocation-Type"] = rng.choice(["Event", "DryRun", "RequestResponse", "Sometime"])
    body = json.dumps(_mutated(rng, LAMBDA_MEMBERS)).encode()
    return rng.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]), path, headers, body


def _logs(rng: random.Random) -> tuple[str, str, dict[str, str], bytes]:
    headers = {
        "Authorization": SCOPE.format(name="logs"),
        "X-Amz-Target": f"Logs_20140328.{rng.choice(LOGS_OPERATIONS)}",
        "Content-Type": "application/x-amz-json-1.1",
    }
    return "POST", "/", headers, json.dumps(_mutated(rng, LOGS_MEMBERS)).encode()


def _query(rng: random.Random) -> tuple[str, str, dict[str, str], bytes]:
    name = rng.choice(list(QUERY_OPERATIONS))
    version, operations = QUERY_OPERATIONS[name]
    fields = {"Action": rng.choice(operations), "Version": version, **_mutated(rng, QUERY_MEMBERS)}
    body = "&".join(f"{key}={value}".replace(" ", "+") for key, value in fields.items()).encode("utf-8", "replace")
    headers = {"Authorization": SCOPE.format(name=name), "Content-Type": "application/x-www-form-urlencoded"}
    return "POST", "/", headers, body


def _other(rng: random.Random) -> tuple[str, str, dict[str, str], bytes]:
    path = rng.choice(
        ["/", "/bucket/key", "/_kumoi/health", "/_kumoi/nothing", "/_kumoi/clock", "/%", "/service/X/operation/Y"]
    )
    headers = {"smithy-protocol": "rpc-v2-cbor"} if path.startswith("/service") else {}
    return (
        rng.choice(["GET", "POST", "DELETE"]),
        path,
        headers,
        bytes(rng.randrange(256) for _ in range(rng.randint(0, 40))),
    )


def run(port: int, *, requests: int, seed: int) -> None:
    """Send so many requests, or a few more. AssertionError with the request that was answered wrongly."""
    rng = random.Random(seed)
    sent = 0
    while sent < requests:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
            for _ in range(20):
                request = a_request(rng)
                status = _answer(connection, request)
                assert status < 500 or status == 501, (status, request)
                sent += 1
                if status in (0, 400):
                    break


def _answer(connection: socket.socket, request: bytes) -> int:
    """The status of the answer, its body read; 0 when the connection was closed instead."""
    connection.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return 0
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    status = int(head[9:12])
    length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    if length and not request.startswith(b"HEAD"):
        wanted = int(length[0].partition(b":")[2])
        while len(body) < wanted:
            body += connection.recv(65536)
    return status


@contextmanager
def platform() -> Iterator[int]:
    """The port of an ephemeral platform."""
    with tempfile.TemporaryDirectory(prefix="kumoi-fuzz-") as data:
        kumoi = [sys.executable, "-m", "kumoi"]
        started = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--data", data]
        subprocess.run(started, check=True, stdout=subprocess.DEVNULL)
        try:
            url = json.loads((Path(data) / "platform.json").read_text())["url"]
            yield int(url.rpartition(":")[2])
        finally:
            subprocess.run([*kumoi, "down", "--data", data], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    with platform() as port:
        end, seed = time.monotonic() + given.seconds, given.seed
        while time.monotonic() < end:
            run(port, requests=1000, seed=seed)
            seed += 1
        print(f"{1000 * (seed - given.seed)} requests, nothing found")


if __name__ == "__main__":
    main()
