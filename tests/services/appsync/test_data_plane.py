"""Queries sent to an API, resolved by templates, JavaScript, functions and tables."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[..., dict[str, Any]]
Resolve = Callable[..., None]


def payload(value: Any) -> str:
    return json.dumps({"version": "2018-05-29", "payload": value})


RESULT = "$util.toJson($ctx.result)"


def test_a_template_answers_a_field(ask: Ask, resolve: Resolve) -> None:
    resolve("hello", payload("hi"), RESULT)
    assert ask("{ a: hello __typename }") == {"data": {"a": "hi", "__typename": "Query"}}


def test_null_in_a_field_that_may_not_be_null(ask: Ask, resolve: Resolve) -> None:
    resolve("get", payload({"id": "1"}), RESULT)
    answer = ask('{ get(id: "1") { id n } }')
    assert answer["data"] == {"get": None}
    assert answer["errors"] == [
        {
            "path": ["get", "n"],
            "locations": None,
            "message": "Cannot return null for non-nullable type: 'Int' within parent 'P' (/get/n)",
        }
    ]


@pytest.mark.parametrize(
    ("query", "begins"),
    [
        ("{ nope }", "Validation error of type FieldUndefined: Field 'nope' in type 'Query' is undefined @ 'nope'"),
        ("{ get { id } }", "Validation error of type MissingFieldArgument"),
        ('{ get(id: "1") }', "Validation error of type SubSelectionRequired"),
        ("{ get(id: $x) { id } }", "Validation error of type UndefinedVariable"),
        ("{", "Syntax Error"),
        ("query($id: ID!) { get(id: $id) { id } }", "Variable 'id' has coerced Null value for NonNull type 'ID!'"),
    ],
)
def test_what_does_not_fit_the_schema(ask: Ask, query: str, begins: str) -> None:
    answer = ask(query)
    assert answer["data"] is None
    assert answer["errors"][0]["message"].startswith(begins)


def test_scalars_both_ways(ask: Ask, resolve: Resolve) -> None:
    resolve("put", '{"version":"2018-05-29","payload":$util.toJson($ctx.args)}', RESULT, of="Mutation")
    answer = ask(
        'mutation { put(id: "1", n: 2, j: "{\\"a\\":[1]}", at: "2020-01-01T00:00:00.000123456+05:30:10") { n j at } }'
    )
    assert answer["data"]["put"] == {"n": 2, "j": '{"a":[1]}', "at": "2020-01-01T00:00:00.000123456+05:30:10"}
    assert "errors" in ask('mutation { put(id: "1", j: "{a}") { n } }')
    assert "errors" in ask('mutation { put(id: "1", at: "2020-01-01T00:00:00") { n } }')


def test_errors_of_templates(ask: Ask, resolve: Resolve) -> None:
    resolve("get", '$util.error("boom", "Mine", {"id":"1","x":2}, {"hint":"h"})', RESULT)
    resolve(
        "hello",
        payload("hi"),
        '$util.qr($util.appendError("one", "A"))$util.qr($util.appendError("two"))' + RESULT,
    )
    answer = ask('{ get(id: "1") { id } hello }')
    assert answer["data"] == {"get": None, "hello": "hi"}
    boom, one, two = answer["errors"]
    assert boom == {
        "path": ["get"],
        "data": {"id": "1"},
        "errorType": "Mine",
        "errorInfo": {"hint": "h"},
        "locations": [{"line": 1, "column": 3, "sourceName": None}],
        "message": "boom",
    }
    assert (one["message"], one["errorType"], one["path"]) == ("one", "A", ["hello"])
    assert two["message"] == "two"


def test_abstract_types_and_fragments(ask: Ask, resolve: Resolve) -> None:
    resolve("any", payload({"__typename": "P", "id": "1", "n": 3}), RESULT)
    assert ask("query { any { ...F __typename ... on Q { q } } } fragment F on P { id n }")["data"] == {
        "any": {"id": "1", "n": 3, "__typename": "P"}
    }


def test_javascript_answers_errs_and_returns_early(ask: Ask, resolve: Resolve, client: Any, api: str) -> None:
    resolve(
        "hello",
        code="""
import { util } from '@aws-appsync/utils';
export function request(ctx) { ctx.stash.a = ctx.info.fieldName; return { payload: util.toUpper ? '' : 'js' } }
export const response = (ctx) => `${ctx.result} ${ctx.stash.a} ${util.authType()}`;
""",
    )
    resolve(
        "get",
        code="""
export function request(ctx) { if (ctx.args.id === 'x') util.error('no', 'T', { id: ctx.args.id }, [1]);
  runtime.earlyReturn({ id: ctx.args.id, n: 7 }) }
export function response(ctx) { return ctx.result }
""",
    )
    answer = ask('{ hello ok: get(id: "1") { n } bad: get(id: "x") { id } }')
    assert answer["data"] == {"hello": "js hello API Key Authorization", "ok": {"n": 7}, "bad": None}
    (error,) = answer["errors"]
    assert (error["message"], error["errorType"], error["data"], error["errorInfo"]) == ("no", "T", {"id": "x"}, [1])


def test_a_pipeline_shares_its_stash_and_passes_results_on(ask: Ask, client: Any, api: str) -> None:
    made = []
    for number in range(2):
        program = f'{{"version":"2018-05-29","payload":"$ctx.prev.result$ctx.stash.s{number}"}}'
        function = client.create_function(
            apiId=api,
            name=f"f{number}",
            dataSourceName="none",
            functionVersion="2018-05-29",
            requestMappingTemplate=program,
            responseMappingTemplate=RESULT,
        )
        made.append(function["functionConfiguration"]["functionId"])
    client.create_resolver(
        apiId=api,
        typeName="Query",
        fieldName="hello",
        kind="PIPELINE",
        pipelineConfig={"functions": made},
        requestMappingTemplate='$util.qr($ctx.stash.put("s0", "x"))$util.qr($ctx.stash.put("s1", "y"))"start-"',
        responseMappingTemplate='$util.toJson("after $ctx.result")',
    )
    assert ask("{ hello }")["data"] == {"hello": "after start-xy"}


@pytest.fixture
def table(kumoi: Any, client: Any, api: str) -> None:
    kumoi.client("dynamodb").create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    config = {"tableName": "items", "awsRegion": "us-east-1"}
    client.create_data_source(apiId=api, name="items", type="AMAZON_DYNAMODB", dynamodbConfig=config)


def test_a_table_written_and_read(ask: Ask, resolve: Resolve, table: None) -> None:
    resolve(
        "put",
        source="items",
        of="Mutation",
        code="""
import * as ddb from '@aws-appsync/utils/dynamodb';
export function request(ctx) { const { id, ...item } = ctx.args;
  return ddb.put({ key: { id }, item, condition: { id: { attributeExists: false } } }) }
export function response(ctx) { if (ctx.error) util.error(ctx.error.message, ctx.error.type, ctx.result);
  return ctx.result }
""",
    )
    key = '{"id":$util.dynamodb.toDynamoDBJson($ctx.args.id)}'
    resolve("get", f'{{"version":"2017-02-28","operation":"GetItem","key":{key}}}', RESULT, source="items")
    resolve(
        "list",
        '{"version":"2018-05-29","operation":"Scan","filter":$util.transform.toDynamoDBFilterExpression({"n":{"gt":1}})}',
        "$util.toJson($ctx.result.items)",
        source="items",
    )
    resolve(
        "remove",
        f'{{"version":"2018-05-29","operation":"DeleteItem","key":{key}}}',
        RESULT,
        source="items",
        of="Mutation",
    )
    put = 'mutation($n: Int) { put(id: "%s", n: $n, j: "{\\"a\\":1.5}") { id n j } }'
    assert ask(put % "a", n=1)["data"]["put"] == {"id": "a", "n": 1, "j": '{"a":1.5}'}
    assert ask(put % "b", n=2)["data"]["put"]["id"] == "b"
    (error,) = ask(put % "a", n=9)["errors"]
    assert (error["errorType"], error["data"]["n"]) == ("DynamoDB:ConditionalCheckFailedException", 1)
    assert ask('{ get(id: "a") { n } list { id } }')["data"] == {"get": {"n": 1}, "list": [{"id": "b"}]}
    assert ask('mutation { remove(id: "a") { n } }')["data"] == {"remove": {"n": 1}}
    assert ask('{ get(id: "a") { n } }')["data"] == {"get": None}


def test_who_may_ask(api: str, post: Callable[..., Any], client: Any, ask: Ask, resolve: Resolve) -> None:
    body = b'{"query":"{hello}"}'
    refused = {"errorType": "UnauthorizedException", "message": "You are not authorized to make this call."}
    assert post(api, body) == (401, {"errors": [refused]})
    assert post(api, body, x_api_key="da2-nope")[0] == 401
    other = client.create_graphql_api(name="b", authenticationType="API_KEY")["graphqlApi"]["apiId"]
    key = client.create_api_key(apiId=other)["apiKey"]["id"]
    assert post(api, body, x_api_key=key)[0] == 401
    assert post(other, body, x_api_key=key)[0] == 502
    assert post("nope", body, x_api_key=key)[0] == 404
    (error,) = ask("{ hello secret }")["errors"]
    assert (error["errorType"], error["path"]) == ("Unauthorized", ["secret"])
    assert error["message"] == "Not Authorized to access secret on type Query"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "Request body is empty."),
        (b"[]", "Unable to parse GraphQL query."),
        (b"{}", "Unable to parse GraphQL query."),
        (b"{", "Unable to parse GraphQL query."),
        (b'{"query":1}', "Unable to parse GraphQL query."),
        (b'{"query":"query A{hello} query B{hello}"}', "Missing operation name."),
    ],
)
def test_bodies_that_ask_for_nothing(api: str, post: Callable[..., Any], client: Any, body: bytes, text: str) -> None:
    key = client.create_api_key(apiId=api)["apiKey"]["id"]
    status, answer = post(api, body, x_api_key=key)
    assert (status, answer["errors"][0]["message"]) == (400, text)


def test_every_address_leads_to_the_api(kumoi: Any, api: str, client: Any) -> None:
    key = client.create_api_key(apiId=api)["apiKey"]["id"]
    for path, host in (
        ("/graphql", None),
        (f"/graphql/{api}", None),
        (f"/_kumoi/appsync-api/{api}/graphql", None),
        ("/graphql", f"{api}.appsync-api.us-east-1.localhost"),
        ("/graphql", f"{api}.appsync-api.us-east-1.amazonaws.com"),
    ):
        headers = {"x-api-key": key, "content-type": "application/graphql", **({"host": host} if host else {})}
        request = urllib.request.Request(f"{kumoi.url}{path}", data=b"{ __typename }", headers=headers)
        with urllib.request.urlopen(request) as answer:
            assert json.loads(answer.read()) == {"data": {"__typename": "Query"}}
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers["x-amzn-requestid"]
    url = f"{kumoi.url}/_kumoi/appsync-api/{api}/graphql"
    with urllib.request.urlopen(urllib.request.Request(url, method="OPTIONS")) as answer:
        assert "x-api-key" in answer.headers["access-control-allow-headers"]


def test_limits_of_an_api(client: Any, ask: Ask, api: str, resolve: Resolve) -> None:
    limits = {"queryDepthLimit": 1, "introspectionConfig": "DISABLED"}
    client.update_graphql_api(apiId=api, name="a", authenticationType="API_KEY", **limits)
    assert ask("{ hello __typename }")["data"] == {"hello": None, "__typename": "Query"}
    (error,) = ask("{ __schema { types { name } } }")["errors"][:1]
    assert error["message"] == (
        "Validation error of type FieldUndefined: Field 'types' in type '__Schema' is undefined @ '__schema/types'"
    )
    resolve("get", payload({"id": "1", "n": 1}), RESULT)
    answer = ask('{ get(id: "1") { id } }')
    assert answer["data"] == {"get": None}, "an id may not be null"
    assert (answer["errors"][0]["errorType"], answer["errors"][0]["path"]) == ("QueryDepthLimitReached", ["get", "id"])


def test_resolvers_past_the_limit_do_not_run(client: Any, ask: Ask, api: str, resolve: Resolve) -> None:
    resolve("hello", payload("hi"), RESULT)
    client.update_graphql_api(apiId=api, name="a", authenticationType="API_KEY", resolverCountLimit=2)
    answer = ask("{ a: hello b: hello c: hello }")
    assert answer["data"] == {"a": "hi", "b": "hi", "c": None}
    (error,) = answer["errors"]
    assert (error["path"], error["errorType"]) == (["c"], "ResolverExecutionLimitReached")


def test_a_schema_describes_itself_beside_other_fields(ask: Ask, resolve: Resolve) -> None:
    resolve("hello", payload("hi"), RESULT)
    query = "query($n: String!) { a: __type(name: $n) { name } hello b: __schema { queryType { name } } __typename }"
    assert list(ask(query, n="P")["data"].items()) == [
        ("a", {"name": "P"}),
        ("hello", "hi"),
        ("b", {"queryType": {"name": "Query"}}),
        ("__typename", "Query"),
    ]
    assert ask(query, n="Nope")["data"]["a"] is None


def test_texts_of_errors_say_where_in_lists(ask: Ask, resolve: Resolve) -> None:
    resolve("list", payload([{"id": "1", "n": 1}, {"id": "2", "n": "x"}, None]), RESULT)
    answer = ask("{ list { id n } }")
    assert answer["data"] is None, "neither the field nor its items nor n may be null"
    assert [(error["path"], error["message"]) for error in answer["errors"]] == [
        (["list", 1, "n"], "Can't serialize value (/list[1]/n) : Expected type 'Int' but was 'String'."),
        (["list", 2], "Cannot return null for non-nullable type: 'P' within parent 'Query' (/list[2])"),
    ]
    (error,) = ask("{ list { nope } }")["errors"]
    assert error["message"].endswith("Field 'nope' in type 'P' is undefined @ 'list/nope'")
    resolve("get", payload({"id": "1", "n": 5}), RESULT)
    resolve("note", payload({"a": [1, "b"]}), RESULT, of="P")
    assert ask('{ get(id: "1") { n note } }')["data"]["get"] == {"n": 5, "note": "{a=[1, b]}"}


def test_values_that_nest_deep_are_answered(ask: Ask, resolve: Resolve) -> None:
    deep = "[" * 400 + "]" * 400
    resolve("hello", f'$util.error("deep", "T", null, $util.parseJson("{deep}"))', RESULT)
    (error,) = ask("{ hello }")["errors"]
    assert error["errorType"] == "T" and json.dumps(error["errorInfo"]).replace(" ", "") == deep


def test_large_variables_are_read(ask: Ask, resolve: Resolve) -> None:
    resolve("put", '{"version":"2018-05-29","payload":$util.toJson($ctx.args)}', RESULT, of="Mutation")
    large = json.dumps({"a": ["x" * 100] * 500})
    answer = ask('mutation($j: AWSJSON) { put(id: "1", n: 1, j: $j) { j } }', j=large)
    assert json.loads(answer["data"]["put"]["j"]) == json.loads(large)
