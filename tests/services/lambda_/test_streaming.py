"""InvokeWithResponseStream through boto3."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

NODE = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType('text/plain');
  for (let n = 0; n < event.pieces; n++) stream.write('x'.repeat(event.size));
  if (event.fail) throw new Error('midway');
  stream.end();
});
"""


@pytest.fixture
def stream(client: Any, create: Any, zipped: Any) -> Any:
    """A streaming function, and how to invoke it: (pieces, how it ended, the answer)."""
    create("", Runtime="nodejs20.x", Handler="index.handler", Code={"ZipFile": zipped({"index.js": NODE})})

    def run(event: Any, **options: Any) -> tuple[list[bytes], dict[str, Any], dict[str, Any]]:
        answer = client.invoke_with_response_stream(FunctionName="f", Payload=json.dumps(event), **options)
        events = list(answer["EventStream"])
        pieces = [one["PayloadChunk"]["Payload"] for one in events if "PayloadChunk" in one]
        return pieces, events[-1]["InvokeComplete"], answer

    return run


def test_pieces_arrive_and_an_end_is_told(stream: Any) -> None:
    pieces, complete, answer = stream({"pieces": 300, "size": 10_000}, LogType="Tail")
    assert b"".join(pieces) == b"x" * 3_000_000
    assert answer["ExecutedVersion"] == "$LATEST"
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["content-type"] == answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    assert headers["x-amzn-remapped-content-type"] == "text/plain"
    assert "REPORT RequestId" in base64.b64decode(complete["LogResult"]).decode()


def test_an_error_midway_is_told_at_the_end(stream: Any) -> None:
    pieces, complete, _ = stream({"pieces": 1, "size": 3, "fail": True})
    assert pieces == [b"xxx"]
    assert (complete["ErrorCode"], json.loads(complete["ErrorDetails"])["errorMessage"]) == ("Error", "midway")


def test_a_function_that_does_not_stream_is_one_piece(client: Any, create: Any) -> None:
    create("def handler(event, context):\n    return {'got': event}\n")
    events = list(client.invoke_with_response_stream(FunctionName="f", Payload=b"1")["EventStream"])
    assert events == [{"PayloadChunk": {"Payload": b'{"got": 1}'}}, {"InvokeComplete": {}}]


def test_a_client_that_leaves_does_not_hold_the_function(stream: Any, client: Any, kumoi: Any) -> None:
    answer = client.invoke_with_response_stream(FunctionName="f", Payload=json.dumps({"pieces": 2000, "size": 10_000}))
    answer["EventStream"].close()
    pieces, _, _ = stream({"pieces": 1, "size": 1})
    assert pieces == [b"x"]


def test_an_invoke_of_a_streaming_function_answers_the_whole(client: Any, stream: Any) -> None:
    answer = client.invoke(FunctionName="f", Payload=json.dumps({"pieces": 2, "size": 2}))
    assert answer["Payload"].read() == b"xxxx"
