"""APIs, schemas, keys and parts made by boto3."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def code(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**params)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def types(client: Any, api: str, format: str) -> list[dict[str, Any]]:
    return list(client.list_types(apiId=api, format=format)["types"])


def test_an_api_is_described_updated_listed_and_deleted(client: Any, kumoi: Any) -> None:
    made = client.create_graphql_api(
        name="a", authenticationType="API_KEY", tags={"_custom_id_": "mine0123456789012345678901", "x": "y"}
    )
    api = made["graphqlApi"]
    assert api["apiId"] == "mine0123456789012345678901"
    assert api["arn"] == f"arn:aws:appsync:us-east-1:{kumoi.account}:apis/mine0123456789012345678901"
    assert "/graphql" in api["uris"]["GRAPHQL"]
    other = client.create_graphql_api(name="b", authenticationType="AWS_IAM", queryDepthLimit=3)["graphqlApi"]
    assert len(other["apiId"]) == 26
    first = client.list_graphql_apis(maxResults=1)
    rest = client.list_graphql_apis(maxResults=1, nextToken=first["nextToken"])
    assert {one["apiId"] for one in first["graphqlApis"] + rest["graphqlApis"]} == {
        "mine0123456789012345678901",
        other["apiId"],
    }
    assert "nextToken" not in rest
    updated = client.update_graphql_api(apiId=other["apiId"], name="c", authenticationType="API_KEY")["graphqlApi"]
    assert (updated["name"], updated["queryDepthLimit"]) == ("c", 0)
    client.tag_resource(resourceArn=api["arn"], tags={"z": "1"})
    client.untag_resource(resourceArn=api["arn"], tagKeys=["x"])
    assert client.list_tags_for_resource(resourceArn=api["arn"])["tags"] == {
        "_custom_id_": "mine0123456789012345678901",
        "z": "1",
    }
    client.delete_graphql_api(apiId="mine0123456789012345678901")
    assert code(client.get_graphql_api, apiId="mine0123456789012345678901")[0] == "NotFoundException"


def test_ways_of_authorization_are_checked(client: Any) -> None:
    assert code(client.create_graphql_api, name="a", authenticationType="AWS_LAMBDA")[0] == "BadRequestException"
    twice = code(
        client.create_graphql_api,
        name="a",
        authenticationType="API_KEY",
        additionalAuthenticationProviders=[{"authenticationType": "API_KEY"}],
    )
    assert twice == (
        "BadRequestException",
        "Authentication type API_KEY for additional authentication provider 1 already specified on the API."
        " It can only be specified once.",
    )


@pytest.mark.parametrize(
    ("definition", "details"),
    [
        ("type Query {", "Failed to parse schema document - ensure it's a valid SDL-formatted document."),
        ("type Query { a: Nope }", "Unknown type"),
        ("scalar Mine type Query { a: Mine }", "Custom scalars"),
        ("type A { a: Int }", "Query root type"),
        ("type Query { a: Int @nope }", "Unknown directive"),
    ],
)
def test_what_is_no_schema_fails_and_leaves_the_one_before(
    client: Any, api: str, definition: str, details: str
) -> None:
    assert client.get_schema_creation_status(apiId=api)["status"] == "SUCCESS"
    assert client.start_schema_creation(apiId=api, definition=definition.encode())["status"] == "PROCESSING"
    answer = client.get_schema_creation_status(apiId=api)
    assert answer["status"] == "FAILED"
    assert details in answer["details"]
    assert b"hello" in client.get_introspection_schema(apiId=api, format="SDL")["schema"].read()


def test_a_schema_is_read_back_whole_and_by_type(client: Any, api: str) -> None:
    text = client.get_introspection_schema(apiId=api, format="SDL")["schema"].read()
    assert b"@aws_iam" in text
    plain = client.get_introspection_schema(apiId=api, format="SDL", includeDirectives=False)["schema"].read()
    assert b"@aws" not in plain and b"type P" in plain and b"scalar" not in plain
    described = json.loads(client.get_introspection_schema(apiId=api, format="JSON")["schema"].read())
    assert described["data"]["__schema"]["queryType"]["name"] == "Query"
    names = [one["name"] for one in types(client, api, "SDL")]
    assert names == ["Mutation", "P", "Q", "Query", "Thing"]
    assert client.get_type(apiId=api, typeName="Q", format="SDL")["type"]["definition"].startswith("type Q")
    described = {one["name"]: json.loads(one["definition"])["kind"] for one in types(client, api, "JSON")}
    assert described == {"Mutation": "OBJECT", "P": "OBJECT", "Q": "OBJECT", "Query": "OBJECT", "Thing": "UNION"}
    assert json.loads(client.get_type(apiId=api, typeName="Q", format="JSON")["type"]["definition"])["name"] == "Q"
    assert code(client.get_type, apiId=api, typeName="No", format="JSON")[0] == "NotFoundException"
    bare = client.create_graphql_api(name="b", authenticationType="API_KEY")["graphqlApi"]["apiId"]
    assert client.get_schema_creation_status(apiId=bare)["status"] == "NOT_APPLICABLE"
    assert code(client.get_introspection_schema, apiId=bare, format="SDL")[0] == "GraphQLSchemaException"


def test_a_schema_is_changed_type_by_type(client: Any, api: str) -> None:
    before = client.get_introspection_schema(apiId=api, format="SDL")["schema"].read()
    made = client.create_type(apiId=api, definition='"""A colour"""\nenum Colour { RED GREEN }', format="SDL")["type"]
    assert (made["name"], made["description"], made["format"]) == ("Colour", "A colour", "SDL")
    assert code(client.create_type, apiId=api, definition="enum Colour { BLUE }", format="SDL") == (
        "BadRequestException", "Type with name Colour already exists."
    )  # fmt: skip
    client.create_type(apiId=api, definition="type Car { colour: Colour! at: AWSDateTime }", format="SDL")
    client.update_type(apiId=api, typeName="Colour", definition="enum Colour { BLUE }", format="SDL")
    assert "RED" not in client.get_type(apiId=api, typeName="Colour", format="SDL")["type"]["definition"]
    described = json.loads(client.get_type(apiId=api, typeName="Car", format="JSON")["type"]["definition"])
    described["fields"][1]["name"] = "since"
    client.update_type(apiId=api, typeName="Car", definition=json.dumps(described), format="JSON")
    assert "since: AWSDateTime" in client.get_type(apiId=api, typeName="Car", format="SDL")["type"]["definition"]
    assert code(client.delete_type, apiId=api, typeName="Colour")[0] == "BadRequestException"  # a car has one
    client.delete_type(apiId=api, typeName="Car")
    client.delete_type(apiId=api, typeName="Colour")
    assert client.get_introspection_schema(apiId=api, format="SDL")["schema"].read() == before
    assert code(client.delete_type, apiId=api, typeName="Car") == ("NotFoundException", "No type found named Car")


NO_TYPES = [
    ("", "SDL"),
    ("type {", "SDL"),
    ("type A { b: String } type B { c: String }", "SDL"),
    ("{ hello }", "SDL"),
    ("type A { b: Nothing }", "SDL"),
    ("scalar Own", "SDL"),
    ("extend type Query { more: String }", "SDL"),
    ("[]", "JSON"),
    ("{", "JSON"),
    ('{"name": "A"}', "JSON"),
    ('{"name": "A", "kind": "OBJECT", "fields": [{"name": "b", "type": 5, "args": []}], "interfaces": []}', "JSON"),
]


def test_what_is_no_type(client: Any, api: str) -> None:
    for definition, format in NO_TYPES:
        refused = code(client.create_type, apiId=api, definition=definition, format=format)
        assert refused[0] == "BadRequestException", definition


def test_a_type_is_answered_as_it_was_written(client: Any, api: str) -> None:
    wanted = {"apiId": api, "typeName": "Car", "format": "SDL"}
    for create, definition in ((True, "type Car\n\n{ a: Int }\n"), (False, "type Car { a:Int  b: Int }")):
        if create:
            client.create_type(apiId=api, definition=definition, format="SDL")
        else:
            client.update_type(**wanted, definition=definition)
        assert client.get_type(**wanted)["type"]["definition"] == definition
    described = client.get_type(**{**wanted, "format": "JSON"})["type"]["definition"]
    assert [one["name"] for one in json.loads(described)["fields"]] == ["a", "b"]
    client.delete_type(apiId=api, typeName="Car")
    client.create_type(apiId=api, definition=described, format="JSON")
    assert client.get_type(**wanted)["type"]["definition"] == "type Car {\n  a: Int\n  b: Int\n}"


def test_a_schema_begins_with_a_type(client: Any) -> None:
    bare = client.create_graphql_api(name="b", authenticationType="API_KEY")["graphqlApi"]["apiId"]
    assert code(client.delete_type, apiId=bare, typeName="A")[0] == "NotFoundException"
    client.create_type(apiId=bare, definition="type Query { hello: String }", format="SDL")
    assert client.get_schema_creation_status(apiId=bare)["status"] == "SUCCESS"
    assert b"hello" in client.get_introspection_schema(apiId=bare, format="SDL")["schema"].read()


def test_keys_expire_in_whole_hours(client: Any, api: str, kumoi: Any) -> None:
    key = client.create_api_key(apiId=api, description="d")["apiKey"]
    assert key["id"].startswith("da2-") and len(key["id"]) == 30
    assert key["expires"] % 3600 == 0 and key["deletes"] == key["expires"] + 60 * 86_400
    now = int(kumoi.now().timestamp())
    renewed = client.update_api_key(apiId=api, id=key["id"], expires=now + 10 * 86_400)["apiKey"]
    assert renewed["expires"] > key["expires"] and renewed["description"] == "d"
    assert code(client.create_api_key, apiId=api, expires=now)[0] == "ApiKeyValidityOutOfBoundsException"
    client.delete_api_key(apiId=api, id=key["id"])
    assert client.list_api_keys(apiId=api)["apiKeys"] == []


def test_parts_refer_to_one_another(client: Any, api: str) -> None:
    assert code(client.create_data_source, apiId=api, name="none", type="NONE") == (
        "BadRequestException",
        "Data source with name none already exists",
    )
    assert code(client.create_data_source, apiId=api, name="f", type="AWS_LAMBDA")[0] == "BadRequestException"
    template = {"requestMappingTemplate": "{}", "responseMappingTemplate": "{}"}
    made = client.create_function(apiId=api, name="f", dataSourceName="none", functionVersion="2018-05-29", **template)
    function = made["functionConfiguration"]["functionId"]
    pipeline = {"apiId": api, "typeName": "Query", "kind": "PIPELINE", "pipelineConfig": {"functions": [function]}}
    resolver = client.create_resolver(fieldName="hello", **pipeline, **template)["resolver"]
    assert resolver["resolverArn"].endswith(f"apis/{api}/types/Query/resolvers/hello")
    assert code(client.create_resolver, fieldName="hello", **pipeline) == (
        "BadRequestException",
        "Only one resolver is allowed per field.",
    )
    assert code(client.create_resolver, fieldName="nope", **pipeline) == (
        "NotFoundException",
        "No field named nope found on type Query",
    )
    unit = {"apiId": api, "typeName": "Query", "fieldName": "any"}
    assert code(client.create_resolver, dataSourceName="gone", **unit) == (
        "NotFoundException",
        "No data source found named gone",
    )
    assert code(client.delete_function, apiId=api, functionId=function) == (
        "BadRequestException",
        "Cannot delete a function which is currently used by a resolver.",
    )
    assert len(client.list_resolvers_by_function(apiId=api, functionId=function)["resolvers"]) == 1
    client.delete_resolver(apiId=api, typeName="Query", fieldName="hello")
    client.delete_function(apiId=api, functionId=function)
    assert client.list_functions(apiId=api)["functions"] == []
    broken = {"code": "export function request(", "runtime": {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}}
    assert code(client.create_resolver, dataSourceName="none", **unit, **broken) == (
        "BadRequestException",
        "The code contains one or more errors.",
    )
    assert code(client.list_resolvers, apiId=api, typeName="Query", nextToken="?")[0] == "BadRequestException"


@pytest.mark.parametrize("kind", ["graphql", "events"])
def test_an_api_that_takes_the_id_of_one_that_is_gone_inherits_nothing(kumoi: Any, client: Any, kind: str) -> None:
    modes = ("authProviders", "connectionAuthModes", "defaultPublishAuthModes", "defaultSubscribeAuthModes")
    config = {mode: [{"authType": "API_KEY"}] for mode in modes}

    def create() -> None:
        tags = {"_custom_id_": "again"}
        if kind == "graphql":
            client.create_graphql_api(name="x", authenticationType="API_KEY", tags=tags)
        else:
            client.create_api(name="x", eventConfig=config, tags=tags)

    create()
    key = client.create_api_key(apiId="again")["apiKey"]["id"]
    client.create_data_source(apiId="again", name="none", type="NONE")
    (client.delete_graphql_api if kind == "graphql" else client.delete_api)(apiId="again")
    create()
    assert client.list_api_keys(apiId="again")["apiKeys"] == []
    assert client.list_data_sources(apiId="again")["dataSources"] == []
    path = "graphql" if kind == "graphql" else "event"
    request = urllib.request.Request(f"{kumoi.url}/{path}", data=b"{}", headers={"x-api-key": key})
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request)
    with raised.value as answer:
        assert answer.code == 404, "the key leads nowhere"
