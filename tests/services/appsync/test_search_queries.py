"""Conditions as queries of OpenSearch, made by templates and by code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kumoi.services.appsync.resolving.javascript import build
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.search_queries import query

Code = Callable[[Any], Any]


@pytest.fixture(scope="module")
def code() -> Code:
    """What a program makes of a condition."""
    context = build("const request = (condition) => util.transform.toElasticsearchQueryDSL(condition)")

    def made(condition: Any) -> Any:
        outcome = context.call("request", [condition], now=0.0)
        if outcome.error is not None:
            raise FieldError(outcome.error.message)
        return json.loads(json.loads(outcome.value or "null"))

    return made


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (  # the example of AWS's documentation
            {"upvotes": {"ne": 15, "range": [10, 20]}, "title": {"eq": "hihihi", "wildcard": "h*i"}},
            {
                "bool": {
                    "must": [
                        {
                            "bool": {
                                "must": [
                                    {"bool": {"must_not": {"term": {"upvotes": 15}}}},
                                    {"range": {"upvotes": {"gte": 10, "lte": 20}}},
                                ]
                            }
                        },
                        {"bool": {"must": [{"term": {"title": "hihihi"}}, {"wildcard": {"title": "h*i"}}]}},
                    ]
                }
            },
        ),
        ({}, {"match_all": {}}),
        ({"a": None}, {"match_all": {}}),
        ({"a": {"match": "x"}}, {"match": {"a": "x"}}),
        ({"a": {"gt": 1}}, {"range": {"a": {"gt": 1}}}),
        ({"a": {"exists": False}}, {"bool": {"must_not": {"exists": {"field": "a"}}}}),
        ({"a": {"multiMatch": "x"}}, {"multi_match": {"query": "x", "fields": ["a"]}}),
        (
            {"or": [{"a": {"eq": 1}}, {"not": {"b": {"matchPhrase": "x y"}}}]},
            {
                "bool": {
                    "should": [{"term": {"a": 1}}, {"bool": {"must_not": {"match_phrase": {"b": "x y"}}}}],
                    "minimum_should_match": 1,
                }
            },
        ),
        ({"and": {"a": {"regexp": "x.*"}}}, {"regexp": {"a": "x.*"}}),
    ],
)
def test_queries(code: Code, condition: Any, found: Any) -> None:
    assert query(condition) == found
    assert code(condition) == found


def nested(depth: int) -> Any:
    return {"a": {"eq": 1}} if depth == 0 else {"not": nested(depth - 1)}


@pytest.mark.parametrize(
    "condition",
    [
        None,
        "x",
        [],
        {"a": 1},
        {"a": {"like": 1}},
        {"a": {"toString": 1}},
        {"a": {"range": [1]}},
        {"or": [1]},
        nested(60),
    ],
)
def test_what_is_no_condition(code: Code, condition: Any) -> None:
    with pytest.raises(FieldError):
        query(condition)
    with pytest.raises(FieldError):
        code(condition)
