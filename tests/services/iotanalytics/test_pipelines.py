"""Messages from a channel through activities into a data store."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Put = Callable[..., None]
Pipeline = Callable[..., None]


def run(client: Any, activity: dict[str, Any], *messages: Any) -> tuple[list[Any], str]:
    payloads = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in messages]
    answer = client.run_pipeline_activity(pipelineActivity=activity, payloads=payloads)
    return [json.loads(one) for one in answer["payloads"]], answer["logResult"]


@pytest.mark.parametrize(
    ("kind", "settings", "message", "result"),
    [
        ("addAttributes", {"attributes": {"device.id": "id", "gone": "x"}}, {"device": {"id": 7}}, {"id": 7}),
        ("addAttributes", {"attributes": {"at[1]": "y"}}, {"at": [1, 2]}, {"y": 2}),
        ("removeAttributes", {"attributes": ["a.b", "gone"]}, {"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}),
        ("selectAttributes", {"attributes": ["a.b", "c"]}, {"a": {"b": 1}, "c": 2, "d": 3}, {"b": 1, "c": 2}),
        ("math", {"attribute": "t", "math": "(t - 32) * 5 / 9"}, {"t": 68}, {"t": 20}),
    ],
)
def test_an_activity_can_be_tried(
    client: Any, kind: str, settings: dict[str, Any], message: dict[str, Any], result: dict[str, Any]
) -> None:
    ((found,), log) = run(client, {kind: {"name": "x", **settings}}, message)
    assert found == ({**message, **result} if kind in ("addAttributes", "math") else result)
    assert log == ""


def test_what_is_dropped_is_left_out_and_told_if_it_is_wrong(client: Any) -> None:
    keep = {"filter": {"name": "x", "filter": "t > 3 AND ok"}}
    found, log = run(client, keep, {"t": 4, "ok": True}, {"t": 4}, {"t": 2, "ok": True}, b"no JSON")
    assert found == [{"t": 4, "ok": True}]
    assert log == "The message is not a JSON object."
    found, log = run(client, {"math": {"name": "m", "attribute": "y", "math": "x / 0"}}, {"x": 1})
    assert found == [{"x": 1}]
    assert log == "m: x / 0 has no value for this message, y is not set."
    assert run(client, {"removeAttributes": {"name": "x", "attributes": ["t"]}}, {"t": 1}) == ([], "")


def test_messages_are_sampled_the_newest_first(client: Any, put: Put) -> None:
    client.create_channel(channelName="p")
    put([{"n": n} for n in range(20)])
    put([b"\xff\x00"])
    sample = client.sample_channel_data(channelName="p", maxMessages=3)["payloads"]
    assert sample == [b"\xff\x00", b'{"n": 19}', b'{"n": 18}']
    shown = client.describe_channel(channelName="p", includeStatistics=True)
    assert shown["statistics"]["size"]["estimatedSizeInBytes"] > 100
    assert "lastMessageArrivalTime" in shown["channel"]


def test_messages_that_cannot_be_taken_are_told_one_by_one(client: Any) -> None:
    client.create_channel(channelName="p")
    messages = [
        {"messageId": "a", "payload": b"{}"},
        {"messageId": "a", "payload": b"{}"},
        {"messageId": "b", "payload": b"x" * (128 * 1024 + 1)},
    ]
    answer = client.batch_put_message(channelName="p", messages=messages)["batchPutMessageErrorEntries"]
    assert [one["messageId"] for one in answer] == ["a", "b"]
    assert {one["errorCode"] for one in answer} == {"InvalidRequestException"}
    assert len(client.sample_channel_data(channelName="p")["payloads"]) == 1


def test_rows_reach_the_store(client: Any, pipeline: Pipeline, put: Put, until: Callable[..., Any]) -> None:
    pipeline({"filter": {"filter": "t > 3"}}, {"math": {"attribute": "t2", "math": "t * 2"}})
    put([{"t": t, "At": {"x": t}} for t in range(250)])

    def size() -> float:
        shown = client.describe_datastore(datastoreName="p", includeStatistics=True)
        return float(shown["statistics"]["size"]["estimatedSizeInBytes"])

    assert until(size, "no rows in the store") > 100


UNSTORABLE = [b'{"": 1}', b'{"b": {"": 1}}', b'{"b":' * 1000 + b"1" + b"}" * 1000]


@pytest.mark.parametrize("unstorable", UNSTORABLE, ids=["no name", "no name within", "deep"])
def test_a_message_that_cannot_be_stored_keeps_no_other_back(
    client: Any, pipeline: Pipeline, put: Put, count: Callable[[], int], until: Callable[..., Any], unstorable: bytes
) -> None:
    client.create_channel(channelName="lost")
    pipeline({"removeAttributes": {"attributes": ["gone"]}}, tags={"kumoi:deadLetterChannel": "lost"})
    put([{"a": n + 1} for n in range(5)] + [unstorable] + [{"a": n + 1} for n in range(5)])

    def letters() -> list[bytes]:
        found: list[bytes] = client.sample_channel_data(channelName="lost")["payloads"]
        return found

    (letter,) = until(letters, "the message was not told")
    assert "cannot be stored" in json.loads(letter)["reason"]
    assert until(lambda: count() == 10, "the others were not stored")


def test_names_of_types_and_times_beyond_the_calendar_are_stored(
    pipeline: Pipeline, put: Put, count: Callable[[], int], until: Callable[..., Any]
) -> None:
    by_time = {"partitions": [{"timestampPartition": {"attributeName": "t"}}]}
    pipeline(datastorePartitions=by_time)
    put([{"t": 1e300}, {"t": 1, "$map": 1, "a": {"MAP": [1, 2]}}])
    assert until(lambda: count() == 2, "the rows were not stored")


@pytest.mark.parametrize("activities", [(), ({"addAttributes": {"attributes": {"it's": "e'e"}}},)])
def test_quotes_in_names_and_values_are_stored(
    pipeline: Pipeline, put: Put, count: Callable[[], int], until: Callable[..., Any], activities: tuple[Any, ...]
) -> None:
    partitions = {"partitions": [{"attributePartition": {"attributeName": "of"}}]}
    pipeline(*activities, datastorePartitions=partitions)
    put([{"of": f"it's {n % 2}", 'a"b': {"c'\"d": "'"}, "it's": n} for n in range(4)])
    assert until(lambda: count() == 4, "the rows were not stored")
