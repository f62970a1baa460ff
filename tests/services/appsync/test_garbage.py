"""Garbage in programs, queries and parameters is an error of the field or of the client: never of the platform."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

REQUESTS = [
    "{",
    " ",
    "5",
    "[]",
    "{}",
    '{"operation":"Nope"}',
    '{"operation":"GetItem"}',
    '{"operation":"GetItem","key":5}',
    '{"operation":"GetItem","key":{"id":"x"}}',
    '{"operation":"GetItem","key":{"id":{"S":"x","N":"1"}}}',
    '{"operation":"PutItem","key":{"id":{"S":"x"}},"attributeValues":{"b":{"B":"?"}}}',
    '{"operation":"UpdateItem","key":{"id":{"S":"x"}},"update":"x"}',
    '{"operation":"Query","query":{}}',
    '{"operation":"Scan","nextToken":"?","limit":"x"}',
    "$util.math.randomWithinRange(5, 1)",
    "$util.list.copyAndRetainAll(1, 2)",
    "$util.toJson()$util.dynamodb.toMapValues(5)",
    '$util.time.epochMilliSecondsToISO8601("x")',
    '$util.matches("(", "x")',
    "#foreach($i in [1..2000])x#end",
]


def test_programs_of_garbage_are_errors_of_the_field(kumoi: Any, client: Any, api: str, ask: Any) -> None:
    config = {"tableName": "gone", "awsRegion": "us-east-1"}
    client.create_data_source(apiId=api, name="gone", type="AMAZON_DYNAMODB", dynamodbConfig=config)
    client.create_data_source(
        apiId=api,
        name="http",
        type="HTTP",
        httpConfig={"endpoint": "http://localhost"},
        serviceRoleArn="arn:aws:iam::1:role/r",
    )
    given = {"apiId": api, "typeName": "Query", "fieldName": "hello"}
    client.create_resolver(**given, dataSourceName="gone")
    for source in ("gone", "http", "none"):
        for request in REQUESTS:
            client.update_resolver(
                **given,
                dataSourceName=source,
                requestMappingTemplate=request,
                responseMappingTemplate="$util.error($ctx.error.message, $ctx.error.type)",
            )
            answer = ask("{ hello }")
            assert answer["data"] == {"hello": None}, (source, request)
            assert answer["errors"][0]["errorType"] != "InternalFailure", (source, request)


@pytest.mark.parametrize(
    "body",
    [
        "null.x",
        "const f = (n) => f(n - 1) + f(n - 2); return f(1)",
        "const f = (n) => (n < 2 ? 1 : f(n - 1) + f(n - 2)); return f(80)",
        "return Array.from({ length: 1e7 }).map(() => ({}))",
        "return undefined",
        "return [1]",
        "util.error({ a: 1 }, 5)",
        "nope()",
    ],
)
def test_code_of_garbage_is_an_error_of_the_field(body: str, ask: Any, resolve: Callable[..., None]) -> None:
    resolve("hello", code=f"export function request(ctx) {{ {body} }}\nexport function response() {{ return null.x }}")
    answer = ask("{ hello }")
    assert answer["data"] == {"hello": None} and answer["errors"][0]["message"]


@pytest.mark.parametrize(
    "query",
    [
        "{" * 5000,
        "{hello" + "{x" * 2000 + "}" * 2001,
        "subscription { x }",
        "{ hello @skip(if: 5) }",
        "{ get(id: {}) { id } }",
        "fragment A on Query { ...B ...B } fragment B on Query { ...A } { ...A }",
        "{ ...F0 } "
        + "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(40))
        + "fragment F40 on Query { hello }",
        "mutation { put(id: 99999999999999999999999999) { id } }",
        "{ list(limit: 99999999999) { id } }",
        "\x00",
    ],
)
def test_hostile_queries_are_answered(query: str, ask: Any) -> None:
    assert set(ask(query)) <= {"data", "errors"}


def test_documents_of_a_megabyte(ask: Any, client: Any, api: str, post: Any) -> None:
    most = 1024 * 1024 - 100  # of the body, which is JSON around the document
    assert ask("{ __typename } #" + "x" * most)["data"] == {"__typename": "Query"}
    assert ask('{ get(id: "' + "x" * (most - 100) + '") { id } }')["data"] == {"get": None}
    for filling in ("{", "a "):
        answer = ask("{ a" + filling * (most // len(filling)))
        assert answer["data"] is None and answer["errors"]
    key = client.create_api_key(apiId=api)["apiKey"]["id"]
    status, answer = post(api, json.dumps({"query": "#" + "x" * (most + 200)}).encode(), x_api_key=key)
    assert (status, answer["errors"][0]["errorType"]) == (413, "RequestEntityTooLargeException")


def test_parameters_of_garbage_are_refused(client: Any, api: str) -> None:
    for operation, params in (
        ("get_data_source", {"apiId": "%", "name": "x"}),
        ("list_resolvers", {"apiId": api, "typeName": "x", "nextToken": "%%%"}),
        ("start_schema_creation", {"apiId": api[::-1], "definition": b"\xff"}),
        ("tag_resource", {"resourceArn": "x" * 70, "tags": {"a": "b"}}),
        ("put_graphql_api_environment_variables", {"apiId": api, "environmentVariables": {"1x": "y"}}),
        ("evaluate_mapping_template", {"template": "xx", "context": "[]"}),
        ("create_type", {"apiId": api, "definition": "[" * 5000, "format": "SDL"}),
    ):
        with pytest.raises(ClientError) as raised:
            getattr(client, operation)(**params)
        assert raised.value.response["Error"]["Code"] != "InternalFailure", operation
    client.start_schema_creation(apiId=api, definition=b"\xff")
    assert client.get_schema_creation_status(apiId=api)["status"] == "FAILED"
    client.start_schema_creation(apiId=api, definition=b"type Query { a: " + b"[" * 5000)
    assert json.dumps(client.get_schema_creation_status(apiId=api)["details"])


def test_a_query_of_too_many_words_is_not_read(ask: Any) -> None:
    answer = ask("{ " + "hello " * 15_000 + "}")
    assert "15000 tokens" in answer["errors"][0]["message"]


def test_variables_that_nest_too_deep_are_refused(client: Any, api: str, post: Any) -> None:
    key = client.create_api_key(apiId=api)["apiKey"]["id"]
    deep = json.loads("[" * 600 + "]" * 600)
    body = json.dumps({"query": "query($id: ID!) { get(id: $id) { id } }", "variables": {"id": deep}}).encode()
    status, answer = post(api, body, x_api_key=key)
    assert (status, answer["errors"][0]["errorType"]) == (400, "MalformedHttpRequestException")
