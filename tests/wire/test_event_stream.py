"""Event streams: frames by a public example, whole streams as botocore's parser reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from kumoi.wire import BufferedBody, Headers, Request, Wire, aws_error, event_stream

# From the encoding's own test suite, as AWS's SDKs carry it ("all headers" left out): an empty message, and a payload.
EMPTY = bytes.fromhex("000000100000000005c248eb7d98c8ff")
PAYLOAD = bytes.fromhex("0000001d00000000fd528c5a") + b"{'foo':'bar'}" + bytes.fromhex("c3653936")


@pytest.mark.parametrize(("raw", "payload"), [(EMPTY, b""), (PAYLOAD, b"{'foo':'bar'}")])
def test_frames(raw: bytes, payload: bytes) -> None:
    assert event_stream.message({}, payload) == raw
    assert event_stream.read_message(raw + b"rest") == ({}, payload, b"rest")


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=40), max_size=4), st.binary(max_size=100))
def test_what_is_framed_is_read(headers: dict[str, str], payload: bytes) -> None:
    raw = event_stream.message(headers, payload)
    assert event_stream.read_message(raw) == (headers, payload, b"")


@given(st.binary(max_size=80), st.integers(0, 60), st.integers(1, 255))
def test_a_damaged_frame_is_refused(tail: bytes, at: int, flip: int) -> None:
    raw = bytearray(event_stream.message({":event-type": "x"}, b"payload of some length"))
    raw[at % len(raw)] ^= flip
    with pytest.raises(event_stream.EventStreamError):
        event_stream.read_message(bytes(raw))
    with pytest.raises(event_stream.EventStreamError):
        event_stream.read_message(b"\0\0\0\0" + tail)


class Raw:
    """An answer's body as botocore's EventStream takes it."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def stream(self) -> Any:
        return iter(self.pieces)

    def close(self) -> None: ...


def events_of(service: str, name: str, result: dict[str, Any], sent: Request) -> tuple[Any, EventStream]:
    """(the response, its events as botocore reads them)."""
    codec = Wire().codec(service)
    operation = codec.operation_codec(codec.operation(name), codec.protocol_of(sent))
    response = operation.encode(sent, result, "id-1")

    async def collected() -> list[bytes]:
        assert not isinstance(response.body, bytes)
        return [piece async for piece in response.body]

    pieces = asyncio.run(collected())
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    output = model.operation_model(name).output_shape
    member = next(one for one in output.members.values() if one.serialization.get("eventstream"))
    parser = create_parser(model.resolved_protocol)
    return response, EventStream(Raw(pieces), member, parser._event_stream_parser, name)


async def stream(*events: dict[str, Any], error: Exception | None = None) -> AsyncIterator[dict[str, Any]]:
    for event in events:
        yield event
    if error is not None:
        raise error


def test_a_function_that_streams() -> None:
    result = {
        "ExecutedVersion": "$LATEST",
        "ResponseStreamContentType": "text/html",
        "EventStream": stream(
            {"PayloadChunk": {"Payload": b"a"}},
            {"PayloadChunk": {"Payload": b""}},
            {"InvokeComplete": {"ErrorCode": "Unhandled", "LogResult": None}},
        ),
    }
    response, events = events_of("lambda", "InvokeWithResponseStream", result, Request("POST", "/"))
    assert response.headers == [
        ("x-amzn-RequestId", "id-1"),
        ("X-Amz-Executed-Version", "$LATEST"),
        ("X-Amzn-Remapped-Content-Type", "text/html"),
        ("Content-Type", "application/vnd.amazon.eventstream"),
    ]
    assert list(events) == [
        {"PayloadChunk": {"Payload": b"a"}},
        {"PayloadChunk": {"Payload": b""}},
        {"InvokeComplete": {"ErrorCode": "Unhandled"}},
    ]


def test_records_of_a_shard_come_after_an_initial_response() -> None:
    record = {"SequenceNumber": "1", "Data": b"\0", "PartitionKey": "k", "ApproximateArrivalTimestamp": 5}
    shard = {"Records": [record], "ContinuationSequenceNumber": "1", "MillisBehindLatest": 0}
    result = {"EventStream": stream({"SubscribeToShardEvent": shard})}
    _, events = events_of("kinesis", "SubscribeToShard", result, Request("POST", "/"))
    assert events.get_initial_response().payload == b"{}"
    (event,) = events
    assert event["SubscribeToShardEvent"]["Records"][0]["Data"] == b"\0"
    assert event["SubscribeToShardEvent"]["Records"][0]["ApproximateArrivalTimestamp"].timestamp() == 5


def test_rows_that_s3_selects() -> None:
    result = {
        "Payload": stream(
            {"Records": {"Payload": b"a,b\n"}},
            {"Stats": {"Details": {"BytesScanned": 9, "BytesProcessed": 9, "BytesReturned": 4}}},
            {"Cont": {}},
            {"End": {}},
        )
    }
    _, events = events_of("s3", "SelectObjectContent", result, Request("POST", "/b/k"))
    assert list(events) == [
        {"Records": {"Payload": b"a,b\n"}},
        {"Stats": {"Details": {"BytesScanned": 9, "BytesProcessed": 9, "BytesReturned": 4}}},
        {"Cont": {}},
        {"End": {}},
    ]


@pytest.mark.parametrize(
    "code", ["SessionTimeoutException", "ThrottlingException"], ids=["of the stream's shape", "of the service"]
)
def test_an_error_ends_the_stream(code: str) -> None:
    sent = Request("POST", "/", headers=Headers([("X-Amz-Target", "Logs_20140328.StartLiveTail")]), body=BufferedBody())
    failure = aws_error(code, "that is all")
    result = {"responseStream": stream({"sessionStart": {"requestId": "r"}}, error=failure)}
    _, events = events_of("logs", "StartLiveTail", result, sent)
    events.get_initial_response()
    assert next(iter(events)) == {"sessionStart": {"requestId": "r"}}
    with pytest.raises(EventStreamError) as caught:
        next(iter(events))
    assert caught.value.response["Error"] == {"Code": code, "Message": "that is all"}
