"""Every operation of every service the platform serves, with values that its model allows or nearly allows.

Whatever is asked, the answer is a result that botocore understands or one of AWS's errors: never a failure of our own.
A service is covered as soon as it is served. `KUMOI_FUZZ_ROUNDS` sets how often each operation is asked.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.loaders import Loader
from botocore.model import Shape
from botocore.parsers import ResponseParserError

from kumoi.cli.sdk import install
from kumoi.doorway import Registry
from kumoi.wire.declarations import declared

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("KUMOI_FUZZ_ROUNDS", "3"))
MODELS = {*Loader().list_available_services("service-2"), *declared()}
SERVICES = sorted(MODELS & {one.name for one in Registry.discover("kumoi.services")})
WAITING = {("sqs", "ReceiveMessage"): {"WaitTimeSeconds": 0}}
LEFT_OUT = {("stepfunctions", "GetActivityTask"), ("kinesis", "SubscribeToShard")}
"""Operations that wait for up to a minute by design."""

WORDS = [
    "", "a", "main", "0", "-1", "true", "null", "*", "/", "../../etc/passwd", "ü", "雲", "\u0000", "x" * 300, "a:b:c",
    "{", "{}", "[]", '{"a": 1}', '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}', "$.a", "a=b", "%%%",
    "arn:aws:sqs:us-east-1:000000000000:main", "arn:aws:s3:::main", "arn:aws:iam::000000000000:role/main", "arn:",
    "arn:aws:lambda:us-east-1:000000000000:function:main", "2026-01-01T00:00:00Z", "rate(5 minutes)", "AAAA", "(a+)+b",
    "application/json", "https://example.com/", "http://[", "10.0.0.0/8", "us-east-1", "AKIAIOSFODNN7EXAMPLE", "<a/>",
    "select 1", "GET", "$default", "LATEST", "1" * 40, "-----BEGIN CERTIFICATE-----",
]  # fmt: skip
NUMBERS = [0, 1, 2, 10, 100, 1000, -1, 2**31 - 1, 2**31, 2**53, -(2**63)]


class Values:
    """Makes values of shapes; `rng` decides."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def of(self, shape: Shape, depth: int = 0) -> Any:
        make: Callable[[Shape, int], Any] = getattr(self, f"_{shape.type_name}")
        return make(shape, depth)

    def _string(self, shape: Shape, _depth: int) -> str:
        enum = getattr(shape, "enum", None)
        return str(self._rng.choice(enum if enum and self._rng.random() < 0.9 else WORDS))

    _character = _string

    def _integer(self, shape: Shape, _depth: int) -> int:
        least = int(shape.metadata.get("min", 0))
        return self._rng.choice([least, least + 1, *NUMBERS])

    _long = _short = _integer

    def _float(self, _shape: Shape, _depth: int) -> float:
        return self._rng.choice([0.0, 0.5, 1.0, -1.5, 1e300])

    _double = _float

    def _boolean(self, _shape: Shape, _depth: int) -> bool:
        return self._rng.random() < 0.5

    def _timestamp(self, _shape: Shape, _depth: int) -> datetime:
        return datetime.fromtimestamp(self._rng.choice([0, 1_700_000_000, 1_800_000_000, 4_000_000_000]), UTC)

    def _blob(self, _shape: Shape, _depth: int) -> bytes:
        return self._rng.choice([b"", b"{}", b"x", b"\x00\xff", b'{"a": 1}', b"PK\x03\x04", b"x" * 5000])

    def _list(self, shape: Any, depth: int) -> list[Any]:
        count = 0 if depth > 4 else self._rng.choice([0, 1, 1, 2])
        return [self.of(shape.member, depth + 1) for _ in range(max(count, int(shape.metadata.get("min", 0) == 1)))]

    def _map(self, shape: Any, depth: int) -> dict[str, Any]:
        count = 0 if depth > 4 else self._rng.choice([0, 1, 2])
        return {str(self.of(shape.key, depth + 1)): self.of(shape.value, depth + 1) for _ in range(count)}

    def _structure(self, shape: Any, depth: int) -> dict[str, Any]:
        if getattr(shape, "is_document_type", False):
            return {"a": 1}
        members = {name: member for name, member in shape.members.items() if not getattr(member, "eventstream", False)}
        if getattr(shape, "is_tagged_union", False):
            name = self._rng.choice(list(members))
            return {name: self.of(members[name], depth + 1)}
        share = 0.3 if depth < 2 else 0.1
        return {
            name: self.of(member, depth + 1)
            for name, member in members.items()
            if (name in shape.required_members and depth < 8 and self._rng.random() < 0.97)
            or self._rng.random() < share
        }


@pytest.mark.parametrize("service", SERVICES)
def test_whatever_is_asked_is_answered(
    kumoi: Any, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if service in declared():
        install(service, tmp_path)
        monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
        monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    client = kumoi.client(service, parameter_validation=False, read_timeout=60)
    model = client.meta.service_model
    values = Values(random.Random(f"{service}/{os.environ.get('KUMOI_FUZZ_SEED', '1')}"))
    failures: list[str] = []
    for operation in model.operation_names:
        if (service, operation) in LEFT_OUT:
            continue
        shape = model.operation_model(operation).input_shape
        for _ in range(ROUNDS if shape is not None and shape.members else 1):
            params = {} if shape is None else values.of(shape)
            params.update(WAITING.get((service, operation), {}))
            problem = ask(client, operation, params)
            if problem is not None:
                failures.append(f"{operation} {params!r:.600}: {problem}")
    assert not failures, "\n".join(failures)


def ask(client: Any, operation: str, params: dict[str, Any]) -> str | None:
    """What was wrong with the answer to a call; None when it was one, or the call could not even be made."""
    try:
        client._make_api_call(operation, params)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500 and status != 501 and error.response["Error"]["Code"] not in EXPECTED:
            return str(error)
    except (ResponseParserError, ReadTimeoutError, ConnectionClosedError) as error:
        return repr(error)
    except (BotoCoreError, ValueError, TypeError, AttributeError, KeyError, UnicodeError):
        return None
    return None


EXPECTED = {"ServiceUnavailable", "ServiceException"}
"""Answers of 5xx that are AWS's own for what was asked."""


def test_the_services_are_known() -> None:
    assert {"s3", "lambda", "kinesis"} <= set(SERVICES)
