"""Which route answers: AWS's own example of priorities, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.http_api.routing import RouteTable
from kumoi.services.apigatewayv2.cors import is_preflight, preflight, response_fields

KEYS = ("GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default", "ANY /both")

SELECTED = [
    ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
    ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
    ("GET", "/pets/dog/a%20b", "GET /pets/dog/{id}", {"id": "a b"}),
    ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
    ("POST", "/pets/dog/1", "ANY /{proxy+}", {"proxy": "pets/dog/1"}),
    ("POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
    ("GET", "/", "$default", {}),
    ("DELETE", "/both", "ANY /both", {}),
]


@pytest.mark.parametrize(("method", "path", "key", "parameters"), SELECTED)
def test_the_most_specific_route_answers(method: str, path: str, key: str, parameters: dict[str, str]) -> None:
    match = RouteTable({"RouteKey": one} for one in KEYS).match(method, path)
    assert match is not None
    assert (match.route["RouteKey"], match.path_parameters) == (key, parameters)


def test_no_route_answers_what_none_matches() -> None:
    table = RouteTable([{"RouteKey": "GET /a"}, {"RouteKey": "GET /a/{b}"}])
    assert [table.match(*request) for request in (("POST", "/a"), ("GET", "/a/"), ("GET", "/b"))] == [None] * 3


def test_a_method_goes_before_any() -> None:
    table = RouteTable([{"RouteKey": "ANY /a"}, {"RouteKey": "GET /a"}])
    found: list[Any] = [table.match("GET", "/a"), table.match("PUT", "/a")]
    assert [match.route["RouteKey"] for match in found] == ["GET /a", "ANY /a"]


def test_cors_allows_whom_it_names() -> None:
    cors = {"AllowOrigins": ["https://*"], "AllowMethods": ["GET", "PUT"], "MaxAge": 60, "AllowCredentials": True}
    assert dict(preflight(cors, "https://a.example")) == {
        "Access-Control-Allow-Origin": "https://a.example",
        "Vary": "Origin",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "GET,PUT",
        "Access-Control-Max-Age": "60",
    }
    assert preflight(cors, "http://a.example") == []
    assert response_fields({"AllowOrigins": ["*"]}, "http://x") == [("Access-Control-Allow-Origin", "*")]
    assert not is_preflight("OPTIONS", {"origin": "http://x"})
