"""The form that a pipe's target gets a record in."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.pipes.templates import check, path_or_text, rendered

FACTS = {"aws.pipes.pipe-name": "orders"}
MESSAGE = {"messageId": "1", "body": '{"id": 7, "name": "a \\"b\\""}', "eventSource": "aws:sqs"}
RECORD = {"data": "eyJpZCI6IDd9", "partitionKey": "k", "eventSource": "aws:kinesis"}


@pytest.mark.parametrize(
    ("template", "record", "form"),
    [
        (None, MESSAGE, MESSAGE),
        ("", MESSAGE, MESSAGE),
        ('{"id": <$.body.id>, "pipe": <aws.pipes.pipe-name>}', MESSAGE, {"id": 7, "pipe": "orders"}),
        ('{"text": "order <$.body.id> of <$.body.name>"}', MESSAGE, {"text": 'order 7 of a "b"'}),
        ('{"none": <$.body.none>}', MESSAGE, {"none": ""}),
        ("[<$.body>]", MESSAGE, [{"id": 7, "name": 'a "b"'}]),
        ('{"id": <$.data.id>}', RECORD, {"id": 7}),
        ("<$.body>", MESSAGE, {"id": 7, "name": 'a "b"'}),
        ("order <$.body.id>", MESSAGE, "order 7"),
        ('"order <$.body.id>"', MESSAGE, "order 7"),
        ('{"whole": <aws.pipes.event.json>}', {"a": 1}, {"whole": {"a": 1}}),
        ('{"body": <$.body>}', {"body": "no json", "eventSource": "aws:sqs"}, {"body": "no json"}),
    ],
)
def test_forms(template: str | None, record: dict[str, Any], form: Any) -> None:
    assert rendered(template, record, FACTS) == form


def test_parameters_are_texts_or_paths() -> None:
    assert path_or_text("orders", MESSAGE) == "orders"
    assert path_or_text("$.body.id", MESSAGE) == "7"


@pytest.mark.parametrize("template", ['{"a": <$.b[>}', '{"a": <aws.pipes.unknown>}'])
def test_what_is_no_placeholder_is_told(template: str) -> None:
    assert check(template)
