"""Requests to an HTTP endpoint: what they look like, and what its answer has to be; pure.

Source: "Understand HTTP endpoint delivery request and response specifications" of the developer guide.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple
from uuid import UUID

import orjson

from kumoi.http_client import HttpAnswer
from kumoi.services.firehose.flow import Flowing
from kumoi.services.firehose.records import Buffer, DeliveryStream

SECONDS = 180.0
"""Real seconds that an endpoint has to answer."""
TOO_LARGE = 413
_MOST_RECORDS = 10_000
_LONGEST_PAUSE = 120.0


class Post(NamedTuple):
    """A request: its id, the same in each try, and what it brings."""

    id: str
    records: Sequence[Flowing]


class Refused(Exception):
    """The endpoint did not take a request; `final` where it is not to be asked again."""

    def __init__(self, code: str, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.final = final


def posts(buffer: Buffer, records: Sequence[Flowing]) -> Iterator[Post]:
    """The requests that bring a buffer's records."""
    for at in range(0, len(records), _MOST_RECORDS):
        digest = hashlib.blake2b(f"{buffer.id}/{at}".encode(), digest_size=16).digest()
        yield Post(str(UUID(bytes=digest, version=4)), records[at : at + _MOST_RECORDS])


def written(stream: DeliveryStream, post: Post, access_key: str, now: float) -> tuple[dict[str, str], bytes]:
    """The header fields and the body of a request; blocks while it compresses."""
    settings = stream.destination["RequestConfiguration"]
    body = orjson.dumps(
        {
            "requestId": post.id,
            "timestamp": int(now * 1000),
            "records": [{"data": base64.b64encode(one.content).decode()} for one in post.records],
        }
    )
    headers = {
        "X-Amz-Firehose-Protocol-Version": "1.0",
        "X-Amz-Firehose-Request-Id": post.id,
        "X-Amz-Firehose-Source-Arn": stream.arn,
        "Content-Type": "application/json",
        "User-Agent": "Amazon Kinesis Data Firehose Agent/1.0",
    }
    if access_key:
        headers["X-Amz-Firehose-Access-Key"] = access_key
    attributes = {one["AttributeName"]: one["AttributeValue"] for one in settings.get("CommonAttributes") or ()}
    if attributes:
        headers["X-Amz-Firehose-Common-Attributes"] = orjson.dumps({"commonAttributes": attributes}).decode()
    if settings["ContentEncoding"] == "GZIP":
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, 6, mtime=0)
    return headers, body


def check_answer(post: Post, answer: HttpAnswer) -> None:
    """Raise Refused for an answer that does not say that the records were taken."""
    told = _told(answer.body)
    if answer.status != 200:
        text = told.get("errorMessage") or f"The endpoint answered the status {answer.status}."
        code = "HttpEndpoint.PayloadTooLarge" if answer.status == TOO_LARGE else "HttpEndpoint.DestinationException"
        raise Refused(code, str(text), final=answer.status == TOO_LARGE)
    if told.get("requestId") != post.id:
        raise Refused(
            "HttpEndpoint.ResponseFromDestinationInvalid",
            "The response is not JSON with the requestId of the request and a timestamp.",
        )


def _told(body: bytes) -> dict[str, object]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def pause(buffer: Buffer, attempts: int) -> float:
    """Seconds until the next try after so many."""
    jitter = Random(f"{buffer.id}/{attempts}").uniform(0.85, 1.15)
    return min(_LONGEST_PAUSE, float(2 ** min(attempts - 1, 10)) * jitter)
