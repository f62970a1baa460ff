"""What is changed of an API counts at the very next request, however warm all that was found for the last one is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

ENV = '{"version": "2018-05-29", "payload": "$!ctx.env.WORD"}'
OTHER_SCHEMA = b"type Query { hello: Int }"


def saying(word: str) -> dict[str, str]:
    return {
        "requestMappingTemplate": json.dumps({"version": "2018-05-29", "payload": word}),
        "responseMappingTemplate": "$util.toJson($ctx.result)",
    }


class Greeter:
    """An API that says hello: by a pipeline of one function, or by a unit."""

    def __init__(self, client: Any, api: str, post: Callable[..., Any]) -> None:
        self.client, self.api, self._post = client, api, post
        self.at = {"apiId": api}
        self.key = client.create_api_key(apiId=api)["apiKey"]["id"]
        self.field = {**self.at, "typeName": "Query", "fieldName": "hello"}
        function = client.create_function(**self.at, name="f", dataSourceName="none", **saying("first"))
        self.function = function["functionConfiguration"]["functionId"]
        around = {"requestMappingTemplate": "{}", "responseMappingTemplate": "$util.toJson($ctx.result)"}
        client.create_resolver(**self.field, kind="PIPELINE", pipelineConfig={"functions": [self.function]}, **around)

    def ask(self, query: str = "{ hello }") -> Any:
        status, answer = self._post(self.api, json.dumps({"query": query}).encode(), x_api_key=self.key)
        return answer["data"]["hello"] if status == 200 and "errors" not in answer else status

    def unit(self, **program: str) -> None:
        self.client.update_resolver(**self.field, dataSourceName="none", kind="UNIT", **program)

    def environment(self, **given: str) -> None:
        self.client.put_graphql_api_environment_variables(**self.at, environmentVariables=given)


CHANGES: list[tuple[Callable[[Greeter], Any], Any]] = [
    (
        lambda it: it.client.update_function(
            **it.at, functionId=it.function, name="f", dataSourceName="none", **saying("second")
        ),
        "second",
    ),
    (lambda it: it.unit(**saying("third")), "third"),
    (lambda it: it.client.delete_resolver(**it.field), None),
    (lambda it: it.client.start_schema_creation(**it.at, definition=OTHER_SCHEMA), 200),
    (lambda it: it.client.delete_api_key(**it.at, id=it.key), 401),
    (
        lambda it: it.client.update_graphql_api(**it.at, name="api", authenticationType="AWS_IAM"),
        401,
    ),
    (lambda it: it.client.delete_graphql_api(**it.at), 404),
]


@pytest.mark.parametrize(("change", "after"), CHANGES)
def test_a_change_counts_at_once(
    client: Any, api: str, post: Callable[..., Any], change: Callable[[Greeter], Any], after: Any
) -> None:
    greeter = Greeter(client, api, post)
    assert [greeter.ask() for _ in range(3)] == ["first"] * 3
    change(greeter)
    assert [greeter.ask() for _ in range(3)] == [after] * 3


def test_the_environment_counts_at_once(client: Any, api: str, post: Callable[..., Any]) -> None:
    greeter = Greeter(client, api, post)
    greeter.unit(requestMappingTemplate=ENV, responseMappingTemplate="$util.toJson($ctx.result)")
    for word in ("one", "two"):
        greeter.environment(WORD=word)
        assert [greeter.ask() for _ in range(3)] == [word] * 3
