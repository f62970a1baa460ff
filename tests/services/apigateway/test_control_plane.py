"""The control plane of REST APIs: what is answered, changed by patches, refused, and kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from kumoi.http_api.json_path import MISSING, BadPath, found
from kumoi.services.apigateway import patches
from kumoi.services.apigateway.quotas import period_start
from kumoi.wire.errors import AwsError


def replace(path: str, value: str) -> dict[str, str]:
    return {"op": "replace", "path": path, "value": value}


def test_an_api(kumoi: Any, client: Any) -> None:
    made = client.create_rest_api(name="pets", description="d", binaryMediaTypes=["a/b"], tags={"_custom_id_": "mine"})
    assert (made["id"], made["apiKeySource"], made["endpointConfiguration"]["types"]) == ("mine", "HEADER", ["EDGE"])
    changed = client.update_rest_api(
        restApiId="mine",
        patchOperations=[
            replace("/name", "cats"),
            {"op": "add", "path": "/binaryMediaTypes/image~1png"},
            {"op": "remove", "path": "/binaryMediaTypes/a~1b"},
            replace("/endpointConfiguration/types/EDGE", "REGIONAL"),
            replace("/minimumCompressionSize", "10"),
            {"op": "remove", "path": "/description"},
        ],
    )
    assert (changed["name"], changed["binaryMediaTypes"], changed["minimumCompressionSize"]) == (
        "cats",
        ["image/png"],
        10,
    )
    assert (changed["endpointConfiguration"]["types"], "description" in changed) == (["REGIONAL"], False)
    client.update_rest_api(restApiId="mine", patchOperations=[replace("/minimumCompressionSize", "")])
    assert "minimumCompressionSize" not in client.get_rest_api(restApiId="mine")
    arn = "arn:aws:apigateway:us-east-1::/restapis/mine"
    client.tag_resource(resourceArn=arn, tags={"a": "b"})
    client.untag_resource(resourceArn=arn, tagKeys=["_custom_id_"])
    assert client.get_tags(resourceArn=arn)["tags"] == {"a": "b"}
    for name in ("x", "y"):
        client.create_rest_api(name=name)
    pages = client.get_paginator("get_rest_apis").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["items"]) for page in pages] == [2, 1]
    client.delete_rest_api(restApiId="mine")
    with pytest.raises(ClientError) as missing:
        client.get_rest_api(restApiId="mine")
    assert missing.value.response["Error"] == {
        "Code": "NotFoundException",
        "Message": f"Invalid API identifier specified {kumoi.account}:mine",
    }


def test_resources_are_a_tree(client: Any, api: Any) -> None:
    made = api()
    made.resource("/a/{id}/b")
    place = {"restApiId": made.id}
    client.update_resource(**place, resourceId=made.resource("/a"), patchOperations=[replace("/pathPart", "c")])
    paths = [one["path"] for one in client.get_resources(**place)["items"]]
    assert paths == ["/", "/c", "/c/{id}", "/c/{id}/b"]
    parent = {**place, "parentId": made.resources["/a"]}
    for part, code in (
        ("{id}", "ConflictException"),
        ("{other}", "BadRequestException"),
        ("a b", "BadRequestException"),
    ):
        with pytest.raises(ClientError) as refused:
            client.create_resource(**parent, pathPart=part)
        assert refused.value.response["Error"]["Code"] == code
    greedy = client.create_resource(**parent, pathPart="{proxy+}")["id"]
    with pytest.raises(ClientError, match="greedy"):
        client.create_resource(**place, parentId=greedy, pathPart="x")
    with pytest.raises(ClientError, match="cyclic"):
        client.update_resource(
            **place, resourceId=made.resources["/a"], patchOperations=[replace("/parentId", made.resources["/a/{id}"])]
        )
    client.delete_resource(**place, resourceId=made.resources["/a"])
    assert [one["path"] for one in client.get_resources(**place)["items"]] == ["/"]
    with pytest.raises(ClientError, match="Root resource"):
        client.delete_resource(**place, resourceId=made.resources["/"])


def test_methods_hold_what_belongs_to_them(client: Any, api: Any, mock: Any) -> None:
    made = api()
    place = {"restApiId": made.id, "resourceId": made.resource("/a"), "httpMethod": "GET"}
    made.method("GET /a", mock, [{"statusCode": "200"}], requestParameters={"method.request.header.X": True})
    method = client.get_method(**place)
    assert (method["authorizationType"], method["apiKeyRequired"]) == ("NONE", False)
    assert method["methodIntegration"]["timeoutInMillis"] == 29000
    assert method["methodIntegration"]["cacheNamespace"] == made.resource("/a")
    assert method["methodIntegration"]["integrationResponses"] == {"200": {"statusCode": "200"}}
    client.update_method(**place, patchOperations=[replace("/requestModels/application~1json", "Empty")])
    assert client.get_method(**place)["requestModels"] == {"application/json": "Empty"}
    client.update_integration(**place, patchOperations=[replace("/requestTemplates/text~1plain", "x")])
    assert set(client.get_integration(**place)["requestTemplates"]) == {"application/json", "text/plain"}
    embedded = client.get_resources(restApiId=made.id, embed=["methods"])["items"][1]
    assert embedded["resourceMethods"]["GET"]["httpMethod"] == "GET"
    client.delete_integration_response(**place, statusCode="200")
    client.delete_method_response(**place, statusCode="200")
    client.delete_integration(**place)
    with pytest.raises(ClientError, match="No integration defined"):
        made.deploy()
    client.delete_method(**place)
    with pytest.raises(ClientError, match="doesn't contain any methods"):
        made.deploy()


def test_stages_and_deployments(client: Any, api: Any, mock: Any) -> None:
    made = api()
    made.method("GET /a", mock, [{"statusCode": "200"}])
    deployment = made.deploy("one", variables={"a": "b"})
    changed = client.update_stage(
        restApiId=made.id,
        stageName="one",
        patchOperations=[
            replace("/variables/c", "d"),
            {"op": "remove", "path": "/variables/a"},
            replace("/*/*/logging/loglevel", "INFO"),
            replace("/~1a/GET/throttling/rateLimit", "2.5"),
        ],
    )
    assert (changed["variables"], changed["deploymentId"]) == ({"c": "d"}, deployment)
    assert changed["methodSettings"]["*/*"]["loggingLevel"] == "INFO"
    assert changed["methodSettings"]["a/GET"]["throttlingRateLimit"] == 2.5
    summary = client.get_deployment(restApiId=made.id, deploymentId=deployment, embed=["apisummary"])["apiSummary"]
    assert summary == {"/a": {"GET": {"authorizationType": "NONE", "apiKeyRequired": False}}}
    with pytest.raises(ClientError, match="Active stages"):
        client.delete_deployment(restApiId=made.id, deploymentId=deployment)
    with pytest.raises(ClientError, match="already exists"):
        client.create_stage(restApiId=made.id, stageName="one", deploymentId=deployment)
    client.delete_stage(restApiId=made.id, stageName="one")
    client.delete_deployment(restApiId=made.id, deploymentId=deployment)
    assert client.get_stages(restApiId=made.id)["item"] == []


def test_keys_and_plans(client: Any, api: Any, mock: Any) -> None:
    made = api()
    made.method("GET /a", mock, [{"statusCode": "200"}])
    made.deploy()
    body = b"Name,key,description,Enabled,usageplanIds\nfirst,aaaaaaaaaaaaaaaaaaaaaa,d,TRUE,\n"
    [key] = client.import_api_keys(body=body, format="csv")["ids"]
    said = client.get_api_key(apiKey=key, includeValue=True)
    assert (said["name"], said["value"], said["enabled"]) == ("first", "a" * 22, True)
    assert "value" not in client.get_api_key(apiKey=key)
    assert [one["id"] for one in client.get_api_keys(nameQuery="fir")["items"]] == [key]
    plan = client.create_usage_plan(name="p", quota={"limit": 5, "period": "WEEK"})["id"]
    stage = f"{made.id}:dev"
    changed = client.update_usage_plan(
        usagePlanId=plan,
        patchOperations=[
            {"op": "add", "path": "/apiStages", "value": stage},
            replace(f"/apiStages/{stage}/throttle/~1a~1GET/rateLimit", "3"),
            replace("/throttle/burstLimit", "4"),
            {"op": "remove", "path": "/quota"},
        ],
    )
    assert changed["apiStages"] == [{"apiId": made.id, "stage": "dev", "throttle": {"/a/GET": {"rateLimit": 3.0}}}]
    assert (changed["throttle"], "quota" in changed) == ({"burstLimit": 4}, False)
    client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    other = client.create_usage_plan(name="o", apiStages=[{"apiId": made.id, "stage": "dev"}])["id"]
    with pytest.raises(ClientError, match="already in a usage plan"):
        client.create_usage_plan_key(usagePlanId=other, keyId=key, keyType="API_KEY")
    assert [one["id"] for one in client.get_usage_plans(keyId=key)["items"]] == [plan]
    with pytest.raises(ClientError, match="associated API stages"):
        client.delete_usage_plan(usagePlanId=plan)
    client.delete_api_key(apiKey=key)
    assert client.get_usage_plan_keys(usagePlanId=plan)["items"] == []


DOCUMENT = {
    "swagger": "2.0",
    "info": {"title": "pets", "version": "1"},
    "basePath": "/v1/x",
    "x-amazon-apigateway-binary-media-types": ["image/png"],
    "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True, "validateRequestParameters": True}},
    "x-amazon-apigateway-request-validator": "all",
    "x-amazon-apigateway-gateway-responses": {
        "DEFAULT_4XX": {"responseParameters": {"gatewayresponse.header.X": "'y'"}}
    },
    "definitions": {
        "Pet": {"type": "object", "required": ["name"], "properties": {"friend": {"$ref": "#/definitions/Pet"}}}
    },
    "securityDefinitions": {
        "key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
        "sig": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
    },
    "paths": {
        "/pets/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "type": "string"}],
            "post": {
                "operationId": "AddPet",
                "parameters": [
                    {"name": "body", "in": "body", "schema": {"$ref": "#/definitions/Pet"}},
                    {"name": "q", "in": "query", "required": True, "type": "string"},
                ],
                "responses": {"200": {"description": "ok", "headers": {"X-A": {"type": "string"}}}},
                "x-amazon-apigateway-integration": {
                    "type": "mock",
                    "requestTemplates": {"application/json": '{"statusCode": 200}'},
                    "responses": {
                        "default": {"statusCode": "200", "responseTemplates": {"application/json": "made"}},
                        "5..": {"statusCode": "500"},
                    },
                },
            },
        },
        "/closed": {
            "x-amazon-apigateway-any-method": {
                "security": [{"sig": []}],
                "responses": {},
                "x-amazon-apigateway-integration": {
                    "type": "http_proxy",
                    "httpMethod": "ANY",
                    "uri": "http://127.0.0.1:1/",
                },
            }
        },
    },
}


def test_a_document_becomes_an_api(client: Any, ask: Any) -> None:
    made = client.import_rest_api(
        body=json.dumps(DOCUMENT).encode(), parameters={"endpointConfigurationTypes": "REGIONAL"}
    )
    api_id = made["id"]
    assert (made["name"], made["version"], made["binaryMediaTypes"]) == ("pets", "1", ["image/png"])
    assert made["endpointConfiguration"]["types"] == ["REGIONAL"]
    client.create_deployment(restApiId=api_id, stageName="dev")

    def post(query: str, body: bytes) -> Any:
        return ask(api_id, "POST", f"/pets/1{query}", body=body)

    assert post("?q=1", b'{"name": "Rex", "friend": {"name": "Tom"}}').data == b"made"
    assert post("?q=1", b'{"name": "Rex", "friend": {}}').json() == {"message": "Invalid request body"}
    missing = post("", b'{"name": "Rex"}')
    assert (missing.json(), missing.headers["x"]) == ({"message": "Missing required request parameters: [q]"}, "y")
    assert ask(api_id, path="/closed").json() == {"message": "Missing Authentication Token"}
    for kind, media in (("swagger", "application/json"), ("oas30", "application/yaml")):
        export = client.get_export(
            restApiId=api_id,
            stageName="dev",
            exportType=kind,
            accepts=media,
            parameters={"extensions": "apigateway"},
        )
        assert export["contentType"] == media
        again = client.import_rest_api(body=export["body"].read())["id"]
        client.create_deployment(restApiId=again, stageName="dev")
        assert ask(again, "POST", "/pets/1?q=1", body=b'{"name": "Rex"}').data == b"made"
        assert ask(again, "POST", "/pets/1?q=1", body=b"{}").status == 400
        assert ask(again, path="/closed").status == 403


def test_a_document_changes_an_api(client: Any, api: Any, mock: Any) -> None:
    made = api()
    made.method("GET /old", mock, [{"statusCode": "200"}])
    body = json.dumps(DOCUMENT).encode()
    client.put_rest_api(restApiId=made.id, mode="merge", body=body, parameters={"basepath": "prepend"})
    paths = {one["path"] for one in client.get_resources(restApiId=made.id)["items"]}
    assert {"/old", "/v1/x/pets/{id}", "/v1/x/closed"} <= paths
    client.put_rest_api(restApiId=made.id, mode="overwrite", body=body, parameters={"basepath": "split"})
    paths = {one["path"] for one in client.get_resources(restApiId=made.id)["items"]}
    assert paths == {"/", "/x", "/x/pets", "/x/pets/{id}", "/x/closed"}


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{",
        "swagger: 2.0",
        '{"openapi": "3.0.1", "info": {"title": "a"}, "paths": 7}',
        '{"swagger": "2.0", "info": {"title": "a"}, "paths": {"/a": {"get": {"x-amazon-apigateway-integration": {}}}}}',
        '{"openapi": "3.0.1", "info": {"title": "a"}, "paths": {"/a": {"$ref": "#/nowhere"}}}',
        '{"openapi": "3.0.1", "info": {"title": "a"}, "paths": {"/{a}/{a}": {}}}',
        '{"openapi": "3.0.1", "info": {"title": "a"}, "paths": {"/a": {"get": {"parameters": [7]}}}}',
        '{"openapi": "3.0.1", "info": {"title": "a"}, "servers": 7, "paths": {}}',
    ],
)
def test_what_is_no_document_is_refused(client: Any, document: str) -> None:
    with pytest.raises(ClientError) as refused:
        client.import_rest_api(body=document.encode() or b" ", parameters={"basepath": "prepend"})
    assert refused.value.response["Error"]["Code"] == "BadRequestException"
    assert client.get_rest_apis()["items"] == []


REFUSED = [
    ("create_rest_api", {"name": " "}, "BadRequestException"),
    ("create_stage", {"stageName": "a.b", "deploymentId": "x"}, "BadRequestException"),
    ("create_authorizer", {"name": "a", "type": "TOKEN"}, "BadRequestException"),
    ("create_model", {"name": "a b", "contentType": "application/json", "schema": "{}"}, "BadRequestException"),
    ("create_model", {"name": "a", "contentType": "application/json", "schema": "{"}, "BadRequestException"),
    ("update_rest_api", {"patchOperations": [{"op": "replace", "path": "/none", "value": "x"}]}, "BadRequestException"),
    ("update_rest_api", {"patchOperations": [{"op": "move", "path": "/name"}]}, "BadRequestException"),
    ("update_stage", {"stageName": "none"}, "NotFoundException"),
    ("get_export", {"stageName": "none", "exportType": "swagger"}, "NotFoundException"),
    ("get_authorizer", {"authorizerId": "x"}, "NotFoundException"),
    ("get_gateway_responses", {"position": "?"}, "BadRequestException"),
    ("get_sdk", {"stageName": "a", "sdkType": "java"}, "NotImplemented"),
]


@pytest.mark.parametrize(("operation", "given", "code"), REFUSED)
def test_refusals(client: Any, api: Any, operation: str, given: dict[str, Any], code: str) -> None:
    if operation != "create_rest_api":
        given = {"restApiId": api().id, **given}
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**given)
    assert refused.value.response["Error"]["Code"] == code


def test_a_patch_path_without_a_slash_is_refused() -> None:
    with pytest.raises(AwsError, match="Must be one of"):
        patches.patched({}, {"a": patches.text}, [{"op": "replace", "path": "b"}])


def test_what_was_acknowledged_survives(killable: Any) -> None:
    killable.start()
    client = killable.client("apigateway")
    made = client.import_rest_api(body=json.dumps(DOCUMENT).encode())["id"]
    client.create_deployment(restApiId=made, stageName="dev")
    killable.kill()
    killable.start()
    headers = {"Host": f"{made}.execute-api.us-east-1.amazonaws.com"}
    with urllib3.PoolManager(retries=False) as http:
        answer = http.request("POST", f"{killable.url}/dev/pets/1?q=1", headers=headers, body=b'{"name": "Rex"}')
    assert (answer.status, answer.data) == (200, b"made")


PATHS = [
    ("$", {"a": [1, 2, {"b": 3}], "c d": None, "e": {"b": 4}}),
    ("$.a[0]", 1),
    ("a[-1].b", 3),
    ("$['c d']", None),
    ("$.none", MISSING),
    ("$.a[9]", MISSING),
    ("$.a[*]", [1, 2, {"b": 3}]),
    ("$.a[0:2]", [1, 2]),
    ("$.a[0,2]", [1, {"b": 3}]),
    ("$..b", [3, 4]),
    ("$.a.length()", 3),
    ("$.a[?(@.b == 3)].b", [3]),
    ("$.a[?(@.b > 3 || !(@.b))]", [1, 2]),
    ("$.none[*]", []),
    ("$['a','e']", [[1, 2, {"b": 3}], {"b": 4}]),
]


@pytest.mark.parametrize(("path", "value"), PATHS)
def test_json_paths(path: str, value: Any) -> None:
    assert found(PATHS[0][1], path) == value


@pytest.mark.parametrize(
    "path", ["$.", "$[", "$[?(", "$['a'", "$[1:2:0]", "$[?(@.a ==)]", "$x", "$..", "$" + ".a" * 2000]
)
def test_what_is_no_json_path_is_refused(path: str) -> None:
    with pytest.raises(BadPath):
        found({}, path)


PERIODS = [
    ({"period": "DAY"}, "2026-11-29", "2026-11-29"),
    ({"period": "WEEK"}, "2026-11-29", "2026-11-29"),  # a Sunday
    ({"period": "WEEK"}, "2026-12-02", "2026-11-29"),
    ({"period": "WEEK", "offset": 1}, "2026-11-29", "2026-11-23"),
    ({"period": "MONTH"}, "2026-11-29", "2026-11-01"),
    ({"period": "MONTH", "offset": 9}, "2026-11-09", "2026-10-10"),
    ({"period": "MONTH", "offset": 9}, "2026-11-10", "2026-11-10"),
]


@pytest.mark.parametrize(("quota", "day", "start"), PERIODS)
def test_periods_of_quotas(quota: dict[str, Any], day: str, start: str) -> None:
    assert period_start(quota, day) == start
