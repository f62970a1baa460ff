"""Codecs: of services of our own, and of none."""

from __future__ import annotations

import pytest

from kumoi.wire import BufferedBody, Headers, Request, UnknownService, Wire


def request(method: str, target: str, body: bytes = b"", *headers: tuple[str, str]) -> Request:
    path, _, query = target.partition("?")
    return Request(method, path, query, Headers(headers), BufferedBody(body))


def test_a_service_of_our_own_is_declared_like_the_others() -> None:
    declared = {
        "metadata": {"protocol": "rest-json", "serviceId": "Own"},
        "operations": {
            "Greet": {
                "name": "Greet",
                "http": {"method": "GET", "requestUri": "/greet/{name}", "responseCode": 201},
                "input": {"shape": "In"},
                "output": {"shape": "Out"},
            }
        },
        "shapes": {
            "In": {
                "type": "structure",
                "required": ["name"],
                "members": {"name": {"shape": "Text", "location": "uri", "locationName": "name"}},
            },
            "Out": {"type": "structure", "members": {"said": {"shape": "Text", "locationName": "Said"}}},
            "Text": {"type": "string"},
        },
    }
    codec = Wire({"own": declared}).codec("own")
    sent = request("GET", "/greet/you")
    exchange = codec.match(sent)
    assert exchange.decode(sent, b"") == {"name": "you"}
    response = exchange.encode({"said": "hello"}, "id")
    assert (response.status, response.body) == (201, b'{"Said":"hello"}')


def test_a_service_without_a_model_is_unknown(wire: Wire) -> None:
    with pytest.raises(UnknownService):
        wire.codec("nothing")
