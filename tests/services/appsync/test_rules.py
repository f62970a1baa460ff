"""Rules without a platform: scalars, conditions, typed values, providers."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.appsync.providers import check
from kumoi.services.appsync.resolving.conditions import expression
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.tables.values import number, plain
from kumoi.services.appsync.resolving.typed import typed
from kumoi.services.appsync.schema.scalars import read, written
from kumoi.wire import AwsError


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("AWSDate", ["2020-01-31", "2020-01-31Z", "2020-01-31+05:30"], ["2020-02-31", "2020-1-1", 5]),
        ("AWSTime", ["12:30", "12:30:59.123456789Z", "12:30-08:00:10"], ["25:00", "12", "12:30:59.1234567890"]),
        ("AWSDateTime", ["2020-01-01T00:00:00Z", "2020-01-01T00:00+05:30:10"], ["2020-01-01", "2020-01-01T00:00:00"]),
        ("AWSTimestamp", [0, -5, 1_600_000_000_000], ["x", 1.5, True, 2**64]),
        ("AWSEmail", ["a@b.example"], ["a", "a@", "@b.example", "a b@c.example"]),
        ("AWSURL", ["https://a.example/b"], ["a.example", "http://[", "mailto:x"]),
        ("AWSPhone", ["+1 555-010-0199", "5550100199"], ["phone", "1"]),
        ("AWSIPAddress", ["127.0.0.1", "10.0.0.0/8", "::1", "::/0"], ["1.2.3", "10.0.0.0/99"]),
    ],
)
def test_scalars_take_and_refuse(name: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert read(name, value) == value == written(name, value)
    for value in bad:
        for direction in (read, written):
            with pytest.raises(ValueError, match="valid"):
                direction(name, value)


def test_json_is_text_outside_and_a_value_inside() -> None:
    assert read("AWSJSON", '{"a":[1]}') == {"a": [1]}
    assert written("AWSJSON", {"a": [1]}) == '{"a":[1]}'
    for value in ("{a}", {"a": 1}):
        with pytest.raises(ValueError, match="valid JSON"):
            read("AWSJSON", value)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ({"title": {"beginsWith": "H"}}, "(begins_with(#title, :title_beginsWith))"),
        (
            {"title": {"ne": "x"}, "n": {"between": [1, 3]}},
            "((#title <> :title_ne) AND (#n BETWEEN :n_between_1 AND :n_between_2))",
        ),
        ({"or": [{"a": {"eq": 1}}, {"b": {"eq": 2}}]}, "((#a = :or_0_a_eq) OR (#b = :or_1_b_eq))"),
        ({"not": {"a": {"attributeExists": True}}}, "(NOT (attribute_exists(#a)))"),
        ({"a": {"size": {"gt": 2}}}, "(size(#a) > :a_size_gt)"),
        ({"a-b": {"in": [1, 2]}}, "(#a_b IN (:a_b_in_0, :a_b_in_1))"),
    ],
)
def test_conditions_become_expressions(condition: dict[str, Any], text: str) -> None:
    made = expression(condition)
    assert made["expression"] == text
    assert all(f"{name}" in text for name in (*made["expressionNames"], *made["expressionValues"]))


@pytest.mark.parametrize("condition", [None, [], {"a": {"like": 1}}])
def test_what_is_no_condition_is_refused(condition: Any) -> None:
    with pytest.raises(FieldError):
        expression(condition)


def test_values_keep_their_types_to_the_table_and_back() -> None:
    value = {"a": [1, 1.5, "x", None, True], "m": {"n": {}}}
    assert plain(typed(value)) == value
    assert typed(2.0) == {"N": "2"}
    assert number("1" * 30) == float("1" * 30)
    assert plain({"NS": ["1", "2.5"]}) == [1, 2.5]


def test_a_pool_may_be_there_once() -> None:
    pool = {"userPoolId": "us-east-1_a", "awsRegion": "us-east-1"}
    mode = "AMAZON_COGNITO_USER_POOLS"
    other = {"authenticationType": mode, "userPoolConfig": {**pool, "userPoolId": "us-east-1_b"}}
    properties = {"authenticationType": mode, "userPoolConfig": {**pool, "defaultAction": "ALLOW"}}
    check({**properties, "additionalAuthenticationProviders": [other]})
    for wrong in ({**other, "userPoolConfig": pool}, {**other, "userPoolConfig": {**pool, "defaultAction": "DENY"}}):
        with pytest.raises(AwsError):
            check({**properties, "additionalAuthenticationProviders": [wrong]})


def test_a_schema_is_described_once_for_all_of_its_types(monkeypatch: pytest.MonkeyPatch) -> None:
    from kumoi.services.appsync.schema import documents
    from kumoi.services.appsync.schema.compiled import compiled

    described, whole = [], documents.introspection_from_schema
    monkeypatch.setattr(
        documents, "introspection_from_schema", lambda schema: described.append(schema) or whole(schema)
    )
    found = compiled("type Query { a: A } type A { b: B } type B { c: ID }")
    assert [type_.name for type_, _ in documents.by_type(found, "JSON")] == ["Query", "A", "B"]
    assert len(described) == 1
