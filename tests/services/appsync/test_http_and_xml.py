"""What programs say of header fields, and XML that they read."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from kumoi.services.appsync.resolving.javascript import build
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.response_headers import MOST, add, copied
from kumoi.services.appsync.resolving.xml_maps import BadXml, as_map

XML = [
    ("<a/>", {"a": ""}),
    ("<a>1</a>", {"a": 1}),
    ("<a>1.5</a>", {"a": 1.5}),
    ("<a> true </a>", {"a": True}),
    ("<a>007</a>", {"a": "007"}),
    ('<post id="1"><title>x</title></post>', {"post": {"id": 1, "title": "x"}}),
    ("<l><i>1</i><i>2</i><i>3</i></l>", {"l": {"i": [1, 2, 3]}}),
    ('<p n="1">text</p>', {"p": {"n": 1, "content": "text"}}),
    ("<a>&lt;<![CDATA[<b>]]></a>", {"a": "<<b>"}),
    (
        '<?xml version="1.0"?><!-- a --><a b=\'c "d"\'>x<!-- y -->z&#65;&#x42;</a>\n',
        {"a": {"b": 'c "d"', "content": "xzAB"}},
    ),
    ("<a><__proto__>1</__proto__></a>", {"a": {"__proto__": 1}}),
    ("<é>null</é>", {"é": None}),
]
NO_XML = [
    "",
    "text",
    "<a>",
    "<a></b>",
    "<a/><b/>",
    "<a/>text",
    "<a>&nothing;</a>",
    '<a b="1" b="2"/>',
    "<a b=1/>",
    "<1/>",
    '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    "<a>" * 200 + "</a>" * 200,
]


@pytest.fixture(scope="module")
def code() -> Callable[[str], Any]:
    """What a program reads in a document."""

    def read(text: str) -> Any:
        outcome = build("const request = (text) => JSON.parse(util.xml.toJsonString(text))").call(
            "request", [text], now=0.0
        )
        if outcome.error is not None:
            raise BadXml(outcome.error.message)
        return json.loads(outcome.value or "null")

    return read


@pytest.mark.parametrize(("text", "found"), XML)
def test_xml(code: Callable[[str], Any], text: str, found: Any) -> None:
    assert as_map(text) == found
    assert code(text) == found


@pytest.mark.parametrize("text", NO_XML)
def test_what_is_no_xml(code: Callable[[str], Any], text: str) -> None:
    with pytest.raises(BadXml):
        as_map(text)
    with pytest.raises(BadXml):
        code(text)


def test_headers_that_go_on() -> None:
    given = {"Host": "a", "x-b": "c", "content-length": "1", "authorization": "d"}
    assert copied(given) == {"x-b": "c", "authorization": "d"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-amzn-RequestId", "1"),
        ("Content-Type", "text/html"),
        ("Access-Control-Allow-Origin", "a"),
        ("a b", "c"),
        ("a", "b\r\nc: d"),
        ("a", "x" * MOST),
    ],
)
def test_headers_that_cannot_be_set(name: str, value: str) -> None:
    with pytest.raises(FieldError):
        add({}, name, value)


def test_programs_set_headers(kumoi: Any, client: Any, api: str, resolve: Any) -> None:
    template = '$util.http.addResponseHeader("x-said", "by a template"){"version":"2018-05-29","payload":"hi"}'
    resolve("hello", template, "$util.toJson($ctx.result)")
    request = "export const request = () => util.http.addResponseHeader('x-coded', 'too');"
    resolve("any", code=f"{request}\nexport const response = () => null")
    key = client.create_api_key(apiId=api)["apiKey"]["id"]
    body = json.dumps({"query": "{ hello any { __typename } }"}).encode()
    asked = urllib.request.Request(f"{kumoi.url}/graphql/{api}", body, {"x-api-key": key})
    with urllib.request.urlopen(asked) as answer:
        assert (answer.headers["x-said"], answer.headers["x-coded"]) == ("by a template", "too")
