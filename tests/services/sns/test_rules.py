"""The rules by themselves, as tables: filter policies, retries, what signatures cover."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kumoi.services.sns.filter_policy import FilterPolicyError, combinations, compile_filter, passes
from kumoi.services.sns.notification import Handover, envelope, signed_text
from kumoi.services.sns.retries import HttpRetries, pause_http, pause_managed


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def number(value: str) -> dict[str, str]:
    return {"DataType": "Number", "StringValue": value}


def array(*values: Any) -> dict[str, str]:
    return {"DataType": "String.Array", "StringValue": json.dumps(values)}


@pytest.mark.parametrize(
    ("policy", "attributes", "expected"),
    [
        ({"kind": ["a"]}, {"kind": text("a")}, True),
        ({"kind": ["a"]}, {"kind": text("b")}, False),
        ({"kind": ["a"]}, {}, False),
        ({"kind": ["a"], "size": [{"numeric": [">", 3]}]}, {"kind": text("a"), "size": number("4")}, True),
        ({"kind": ["a"], "size": [{"numeric": [">", 3]}]}, {"kind": text("a"), "size": number("3.0")}, False),
        ({"size": [3]}, {"size": number("3.00")}, True),
        ({"kind": ["b"]}, {"kind": array("a", "b")}, True),
        ({"kind": ["c"]}, {"kind": array("a", "b")}, False),
        ({"kind": [1, True, None]}, {"kind": array("x", True)}, True),
        ({"kind": [{"exists": False}]}, {}, True),
        ({"kind": [{"exists": True}]}, {"kind": {"DataType": "Binary", "BinaryValue": b"x"}}, False),
        ({"kind": [{"anything-but": ["a"]}]}, {"kind": text("b")}, True),
        ({"kind": [{"anything-but": ["a"]}]}, {}, False),
        ({"kind": [{"prefix": "ab"}]}, {"kind": text("abc")}, True),
        ({"a.b": ["x"]}, {"a.b": text("x")}, True),
        ({"$or": [{"a": ["1"]}, {"b": ["2"]}]}, {"b": text("2")}, True),
        ({"$or": [{"a": ["1"]}, {"b": ["2"]}]}, {"b": text("1")}, False),
    ],
)
def test_attributes_pass_a_policy(policy: dict[str, Any], attributes: dict[str, Any], expected: bool) -> None:
    assert passes(json.dumps(policy), "MessageAttributes", "", attributes) is expected


@pytest.mark.parametrize(
    ("policy", "body", "expected"),
    [
        ({"a": {"b": [1]}}, '{"a": {"b": 1}}', True),
        ({"a": {"b": [1]}}, '{"a": [{"b": 2}, {"b": 1}]}', True),
        ({"a": {"b": [1]}}, '{"a": {"b": "1"}}', False),
        ({"a": [{"exists": False}]}, "no JSON", False),
        ({"a": [{"exists": False}]}, "[]", False),
        ({"a": [{"exists": False}]}, "{}", True),
    ],
)
def test_bodies_pass_a_policy(policy: dict[str, Any], body: str, expected: bool) -> None:
    assert passes(json.dumps(policy), "MessageBody", body, {}) is expected


@pytest.mark.parametrize(
    ("policy", "scope", "reason"),
    [
        ("{", "MessageAttributes", "failed to parse JSON."),
        ("[]", "MessageAttributes", "Filter policy must be an object"),
        ('{"a": 1}', "MessageAttributes", '"a" must be an object or an array'),
        ('{"a": []}', "MessageAttributes", "Empty arrays are not allowed"),
        ('{"a": [{"b": 1}]}', "MessageAttributes", "Unrecognized match type b"),
        ('{"a": [{"anything-but": {"suffix": "x"}}]}', "MessageAttributes", "Unsupported anything-but pattern: suffix"),
        (
            '{"a": {"b": ["c"]}}',
            "MessageAttributes",
            "Filter policy scope MessageAttributes does not support nested filter policy",
        ),
        (
            json.dumps({str(key): ["x"] for key in range(6)}),
            "MessageBody",
            "Filter policy can not have more than 5 keys",
        ),
        (json.dumps({"a": list(range(151))}), "MessageAttributes", "Filter policy is too complex"),
        (json.dumps({"a": {"b": list(range(76))}}), "MessageBody", "Filter policy is too complex"),
    ],
)
def test_policies_that_are_none(policy: str, scope: str, reason: str) -> None:
    with pytest.raises(FilterPolicyError) as caught:
        compile_filter(policy, scope)
    assert str(caught.value) == reason


def test_combinations_are_products_of_keys_and_sums_of_choices() -> None:
    four = ["1", "2", "3", "4"]
    policy = {"a": four, "$or": [{"b": four, "c": four}, {"d": four, "e": four}, {"f": ["1", "2", "3", "4", "5", "6"]}]}
    assert combinations(policy, nested=False) == 4 * 6 + 4 * 4 * 4 + 4 * 4 * 4 == 152


def test_pauses_of_http_endpoints_have_four_phases() -> None:
    policy = HttpRetries(
        minDelayTarget=1,
        maxDelayTarget=60,
        numRetries=10,
        numNoDelayRetries=2,
        numMinDelayRetries=2,
        numMaxDelayRetries=3,
        backoffFunction="linear",
    )
    assert [pause_http(policy, attempt) for attempt in range(1, 11)] == [0, 0, 1, 1, 1, 30.5, 60, 60, 60, 60]


@pytest.mark.parametrize("function", ["linear", "arithmetic", "geometric", "exponential"])
def test_backoffs_grow_from_the_least_to_the_longest(function: str) -> None:
    policy = HttpRetries(minDelayTarget=1, maxDelayTarget=100, numRetries=10, backoffFunction=function)
    pauses = [pause_http(policy, attempt) for attempt in range(1, 11)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 1
    assert pauses[-1] == pytest.approx(100)


def test_pauses_of_queues_and_functions() -> None:
    assert [pause_managed(attempt) for attempt in range(1, 7)] == [0, 0, 0, 1, 1, 1]
    assert pause_managed(15) == pytest.approx(20)
    assert pause_managed(1000) == 20


def handover(**more: Any) -> Handover:
    made: dict[str, Any] = {
        "topic": "arn:aws:sns:us-east-1:000000000000:news",
        "subscription": "arn:aws:sns:us-east-1:000000000000:news:1",
        "protocol": "sqs",
        "endpoint": "q",
        "message_id": "m",
        "text": "hello",
        "time": 1_767_225_600.25,
    }
    return Handover(**{**made, **more})


def test_what_a_signature_covers() -> None:
    assert signed_text(handover(subject="S"), "http://k") == (
        b"Message\nhello\nMessageId\nm\nSubject\nS\nTimestamp\n2026-01-01T00:00:00.250Z\n"
        b"TopicArn\narn:aws:sns:us-east-1:000000000000:news\nType\nNotification\n"
    )


def test_an_envelope_is_laid_out_as_amazons() -> None:
    assert envelope(handover(attributes={"n": number("1")}), None, "http://k") == (
        "{\n"
        '  "Type" : "Notification",\n'
        '  "MessageId" : "m",\n'
        '  "TopicArn" : "arn:aws:sns:us-east-1:000000000000:news",\n'
        '  "Message" : "hello",\n'
        '  "Timestamp" : "2026-01-01T00:00:00.250Z",\n'
        '  "UnsubscribeURL" : '
        '"http://k/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:000000000000:news:1",\n'
        '  "MessageAttributes" : {\n'
        '    "n" : {"Type":"Number","Value":"1"}\n'
        "  }\n"
        "}"
    )
