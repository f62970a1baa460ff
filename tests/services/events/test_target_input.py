"""What a target gets, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.delivery import DeliveryFailed
from kumoi.services.events.target_input import InputError, RuleFacts, check, render

FACTS = RuleFacts("r", "arn:aws:events:us-east-1:1:rule/r", "2026-01-02T03:04:05Z")
EVENT: dict[str, Any] = {
    "version": "0",
    "id": "1",
    "detail-type": "made",
    "source": "app",
    "account": "1",
    "time": "2026-01-02T03:04:05Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {"s": "te\"xt", "n": 1.5, "o": {"a": "b", "c": [1]}, "l": ["X", "Y"], "t": True, "z": None},
}  # fmt: skip
PATHS = {name: f"$.detail.{name}" for name in ("s", "n", "o", "l", "t", "z", "missing")}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('{"v": <s>}', r'{"v": "te\"xt"}'),
        ('{"v": "<s>!"}', r'{"v": "te\"xt!"}'),
        ('{"v": <n>, "w": "<n>"}', '{"v": 1.5, "w": "1.5"}'),
        ('{"v": <o>}', '{"v": {"a":"b","c":[1]}}'),
        ('{"v": <l>, "t": <t>, "z": <z>}', '{"v": ["X","Y"], "t": true, "z": null}'),
        ('{"v": <missing>, "w": "<missing>"}', '{"v": "", "w": ""}'),
        ("[<n>, <l>]", '[1.5, ["X","Y"]]'),
        ('{"v": "\\"<n>\\""}', '{"v": "\\"1.5\\""}'),
        ('"<n> of <l> and <o>"', '"1.5 of [X,Y] and {a:b,c:[1]}"'),
        ('"one <t>"\n"two <missing>"', '"one true"\n"two "'),
        (
            '{"r": <aws.events.rule-name>, "a": <aws.events.rule-arn>}',
            '{"r": "r", "a": "arn:aws:events:us-east-1:1:rule/r"}',
        ),
        ('{"at": "<aws.events.event.ingestion-time>"}', '{"at": "2026-01-02T03:04:05Z"}'),
        ("<o>", '{"a":"b","c":[1]}'),
        (" <s>\n", r'"te\"xt"'),
    ],
)
def test_a_template_is_filled(template: str, text: str) -> None:
    target = {"Id": "t", "InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": template}}
    check(target)
    assert render(target, EVENT, FACTS) == text


@pytest.mark.parametrize("template", ['{"v": "<o>"}', "no quotes <n>", "{<n>}", '{"v": <n>'])
def test_a_template_that_makes_no_input_delivers_nothing(template: str) -> None:
    target = {"Id": "t", "InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": template}}
    with pytest.raises(DeliveryFailed) as failed:
        render(target, EVENT, FACTS)
    assert (failed.value.failure.code, failed.value.failure.retry) == ("INVALID_JSON", False)


@pytest.mark.parametrize(
    ("path", "text"),
    [("$.detail.n", "1.5"), ("$.detail.s", r'"te\"xt"'), ("$.detail.l[1]", '"Y"'), ("$.resources", "[]")],
)
def test_a_path_delivers_the_json_of_a_part(path: str, text: str) -> None:
    assert render({"Id": "t", "InputPath": path}, EVENT, FACTS) == text


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (
            {"Input": "{}", "InputPath": "$"},
            "Only one of Input, InputPath, or InputTransformer must be provided for target t.",
        ),
        ({"Input": "{"}, "JSON syntax error in input for target t"),
        ({"InputPath": "detail"}, "Invalid JSON path detail for target t"),
        (
            {"InputTransformer": {"InputPathsMap": {"a": "$.a"}, "InputTemplate": "<b>"}},
            "InputTemplate for target t contains invalid placeholder b.",
        ),
        ({"InputTransformer": {"InputPathsMap": {"aws.x": "$.a"}, "InputTemplate": "{}"}}, "reserved name aws.x"),
    ],
)
def test_a_target_whose_input_cannot_be_used_is_refused(target: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as refused:
        check({"Id": "t", **target})
    assert reason in str(refused.value)
