"""The control plane by boto3: what is made is found, what is wrong is refused in AWS's terms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

URL = "https://example.com/x"


@pytest.fixture
def api_id(client: Any) -> str:
    return str(client.create_api(Name="a", ProtocolType="HTTP")["ApiId"])


def refused(call: Any, **given: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**given)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_an_api_lives(client: Any) -> None:
    made = client.create_api(Name="a", ProtocolType="HTTP", Description="d", Tags={"k": "v"}, Version="1")
    assert made["ApiEndpoint"].startswith("http://")
    assert made["RouteSelectionExpression"] == "$request.method $request.path"
    client.update_api(ApiId=made["ApiId"], Name="b", CorsConfiguration={"AllowOrigins": ["*"]})
    found = client.get_api(ApiId=made["ApiId"])
    assert (found["Name"], found["Description"], found["Tags"]) == ("b", "d", {"k": "v"})
    assert found["CorsConfiguration"] == {"AllowOrigins": ["*"]}
    client.delete_cors_configuration(ApiId=made["ApiId"])
    assert "CorsConfiguration" not in client.get_api(ApiId=made["ApiId"])
    assert [one["ApiId"] for one in client.get_apis()["Items"]] == [made["ApiId"]]
    client.delete_api(ApiId=made["ApiId"])
    assert client.get_apis()["Items"] == []
    assert refused(client.get_api, ApiId=made["ApiId"]) == ("NotFoundException", 404)


def test_a_tag_fixes_the_id(client: Any) -> None:
    wanted = "fixed" + "0123456789"
    made = client.create_api(Name="a", ProtocolType="HTTP", Tags={"_custom_id_": wanted})
    assert made["ApiId"] == wanted
    assert client.create_api(Name="a", ProtocolType="HTTP", Tags={"_custom_id_": wanted})["ApiId"] != wanted


def test_parts_live(client: Any, api_id: str) -> None:
    integration = client.create_integration(
        ApiId=api_id, IntegrationType="HTTP_PROXY", IntegrationMethod="GET", IntegrationUri=URL
    )
    assert (integration["TimeoutInMillis"], integration["PayloadFormatVersion"]) == (30000, "1.0")
    target = f"integrations/{integration['IntegrationId']}"
    route = client.create_route(ApiId=api_id, RouteKey="GET /a", Target=target)
    assert route["AuthorizationType"] == "NONE"
    changed = client.update_route(ApiId=api_id, RouteId=route["RouteId"], RouteKey="GET /b")
    assert (changed["RouteKey"], changed["Target"]) == ("GET /b", target)
    assert refused(client.delete_integration, ApiId=api_id, IntegrationId=integration["IntegrationId"]) == (
        "ConflictException",
        409,
    )
    assert refused(client.create_route, ApiId=api_id, RouteKey="GET /b") == ("ConflictException", 409)
    client.delete_route(ApiId=api_id, RouteId=route["RouteId"])
    client.delete_integration(ApiId=api_id, IntegrationId=integration["IntegrationId"])
    assert client.get_routes(ApiId=api_id)["Items"] == client.get_integrations(ApiId=api_id)["Items"] == []


BAD_ROUTES = ["GET", "FETCH /a", "GET a", "GET /{a", "GET /{a+}/b", "GET /{a}/{a}", "$connect", ""]


@pytest.mark.parametrize("key", BAD_ROUTES)
def test_a_malformed_route_is_refused(client: Any, api_id: str, key: str) -> None:
    assert refused(client.create_route, ApiId=api_id, RouteKey=key) == ("BadRequestException", 400)


BAD_INTEGRATIONS = [
    {"IntegrationType": "MOCK"},
    {"IntegrationType": "AWS_PROXY", "IntegrationUri": "arn:aws:lambda:us-east-1:1:function:f"},
    {"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0"},
    {"IntegrationType": "HTTP_PROXY", "IntegrationUri": "ftp://x", "IntegrationMethod": "GET"},
    {"IntegrationType": "HTTP_PROXY", "IntegrationUri": URL},
    {"IntegrationType": "AWS_PROXY", "IntegrationSubtype": "Nothing-AtAll"},
    {"IntegrationType": "HTTP_PROXY", "IntegrationUri": URL, "IntegrationMethod": "GET", "ConnectionType": "VPC_LINK"},
]


@pytest.mark.parametrize("given", BAD_INTEGRATIONS)
def test_an_impossible_integration_is_refused(client: Any, api_id: str, given: dict[str, Any]) -> None:
    assert refused(client.create_integration, ApiId=api_id, **given) == ("BadRequestException", 400)


def test_stages_serve_deployments(client: Any, api_id: str) -> None:
    assert refused(client.create_deployment, ApiId=api_id) == ("BadRequestException", 400)
    client.create_route(ApiId=api_id, RouteKey="GET /a")
    deployment = client.create_deployment(ApiId=api_id, Description="d")
    assert (deployment["DeploymentStatus"], deployment["AutoDeployed"]) == ("DEPLOYED", False)
    stage = client.create_stage(ApiId=api_id, StageName="dev", DeploymentId=deployment["DeploymentId"])
    assert stage["DeploymentId"] == deployment["DeploymentId"]
    assert refused(client.create_stage, ApiId=api_id, StageName="dev") == ("ConflictException", 409)
    assert refused(client.create_stage, ApiId=api_id, StageName="a b") == ("BadRequestException", 400)
    given = {"ApiId": api_id, "DeploymentId": deployment["DeploymentId"]}
    assert refused(client.delete_deployment, **given) == ("ConflictException", 409)
    auto = client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    client.create_route(ApiId=api_id, RouteKey="GET /b")
    assert client.get_stage(ApiId=api_id, StageName="$default")["DeploymentId"] != auto["DeploymentId"]
    assert len(client.get_deployments(ApiId=api_id)["Items"]) == 2
    client.delete_stage(ApiId=api_id, StageName="dev")
    client.delete_deployment(**given)


def test_stage_variables_are_changed_one_by_one(client: Any, api_id: str) -> None:
    place = {"ApiId": api_id, "StageName": "dev"}
    client.create_stage(**place, StageVariables={"a": "1", "b": "2", "c": "3"})
    changed = client.update_stage(**place, StageVariables={"a": "", "b": "4"})
    assert changed["StageVariables"] == {"b": "4", "c": "3"}


def test_tags_of_apis_and_stages(client: Any, api_id: str) -> None:
    client.create_stage(ApiId=api_id, StageName="dev", Tags={"a": "1"})
    for path in (f"/apis/{api_id}", f"/apis/{api_id}/stages/dev"):
        arn = f"arn:aws:apigateway:us-east-1::{path}"
        client.tag_resource(ResourceArn=arn, Tags={"b": "2"})
        client.untag_resource(ResourceArn=arn, TagKeys=["a"])
        assert client.get_tags(ResourceArn=arn)["Tags"] == {"b": "2"}
    assert refused(client.get_tags, ResourceArn="arn:aws:apigateway:us-east-1::/nothing") == (
        "BadRequestException",
        400,
    )


DOCUMENT = {
    "openapi": "3.0.1",
    "info": {"title": "pets", "version": "2"},
    "tags": [{"name": "team", "x-amazon-apigateway-tag-value": "blue"}],
    "x-amazon-apigateway-cors": {"allowOrigins": ["*"], "allowMethods": ["GET"]},
    "components": {
        "securitySchemes": {
            "jwt": {
                "type": "oauth2",
                "x-amazon-apigateway-authorizer": {
                    "type": "jwt",
                    "identitySource": "$request.header.Authorization",
                    "jwtConfiguration": {"issuer": "https://issuer.example", "audience": ["me"]},
                },
            }
        },
        "x-amazon-apigateway-integrations": {
            "shared": {"type": "http_proxy", "httpMethod": "GET", "uri": URL, "payloadFormatVersion": "1.0"}
        },
    },
    "paths": {
        "/pets/{id}": {
            "get": {
                "operationId": "getPet",
                "security": [{"jwt": ["read"]}],
                "x-amazon-apigateway-integration": {"$ref": "#/components/x-amazon-apigateway-integrations/shared"},
            }
        },
        "$default": {
            "x-amazon-apigateway-any-method": {
                "isDefaultRoute": True,
                "x-amazon-apigateway-integration": {
                    "type": "aws_proxy",
                    "httpMethod": "POST",
                    "uri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
                    "arn:aws:lambda:us-east-1:000000000000:function:f/invocations",
                    "payloadFormatVersion": "2.0",
                },
            }
        },
    },
}


def test_an_openapi_document_becomes_an_api_and_back(client: Any) -> None:
    made = client.import_api(Body=json.dumps(DOCUMENT))
    api_id = made["ApiId"]
    assert (made["Name"], made["Version"], made["Tags"]) == ("pets", "2", {"team": "blue"})
    routes = {route["RouteKey"]: route for route in client.get_routes(ApiId=api_id)["Items"]}
    assert set(routes) == {"GET /pets/{id}", "$default"}
    pet = routes["GET /pets/{id}"]
    assert (pet["AuthorizationType"], pet["AuthorizationScopes"], pet["OperationName"]) == ("JWT", ["read"], "getPet")
    exported = json.loads(client.export_api(ApiId=api_id, OutputType="JSON", Specification="OAS30")["body"].read())
    assert exported["paths"]["/pets/{id}"]["get"]["x-amazon-apigateway-integration"]["uri"] == URL
    assert exported["paths"]["/$default"]["x-amazon-apigateway-any-method"]["isDefaultRoute"] is True
    assert exported["components"]["securitySchemes"]["jwt"]["x-amazon-apigateway-authorizer"]["type"] == "jwt"
    smaller = {**DOCUMENT, "paths": {"$default": DOCUMENT["paths"]["$default"]}, "components": {}}  # type: ignore[index]
    client.reimport_api(ApiId=api_id, Body=json.dumps(smaller))
    assert [route["RouteKey"] for route in client.get_routes(ApiId=api_id)["Items"]] == ["$default"]
    assert client.get_authorizers(ApiId=api_id)["Items"] == []


def test_an_exported_api_can_be_imported(client: Any) -> None:
    first = client.import_api(Body=json.dumps(DOCUMENT))["ApiId"]
    text = client.export_api(ApiId=first, OutputType="YAML", Specification="OAS30")["body"].read().decode()
    second = client.import_api(Body=text)["ApiId"]

    def keys(api_id: str) -> set[str]:
        return {route["RouteKey"] for route in client.get_routes(ApiId=api_id)["Items"]}

    assert keys(second) == keys(first)


BAD_DOCUMENTS = [
    "",
    "{",
    "[]",
    "swagger: '2.0'",
    '{"openapi": "3.0.1"}',
    '{"openapi":"3.0.1","info":{"title":"x"},"paths":7}',
]


@pytest.mark.parametrize("text", BAD_DOCUMENTS)
def test_a_bad_document_is_refused(client: Any, text: str) -> None:
    assert refused(client.import_api, Body=text) == ("BadRequestException", 400)


GARBAGE = [
    ("create_authorizer", {"AuthorizerType": "JWT", "IdentitySource": [], "Name": "a"}),
    ("create_authorizer", {"AuthorizerType": "REQUEST", "IdentitySource": ["x"], "Name": "a"}),
    ("create_route", {"RouteKey": "GET /a", "Target": "nothing"}),
    ("create_route", {"RouteKey": "GET /a", "Target": "integrations/nothing"}),
    ("create_route", {"RouteKey": "GET /a", "AuthorizationType": "JWT"}),
    ("create_model", {"Name": "m", "Schema": "{"}),
    ("create_stage", {"StageName": "s", "StageVariables": {"a b": "c"}}),
    ("create_stage", {"StageName": "s", "AccessLogSettings": {"DestinationArn": "x", "Format": "y"}}),
    ("get_routes", {"MaxResults": "many"}),
    ("get_routes", {"NextToken": "?"}),
    ("export_api", {"Specification": "OAS99", "OutputType": "JSON"}),
]


@pytest.mark.parametrize(("operation", "given"), GARBAGE)
def test_garbage_is_refused(client: Any, api_id: str, operation: str, given: dict[str, Any]) -> None:
    assert refused(getattr(client, operation), ApiId=api_id, **given) == ("BadRequestException", 400)


def test_lists_come_in_pages(client: Any, api_id: str) -> None:
    for number in range(3):
        client.create_route(ApiId=api_id, RouteKey=f"GET /{number}")
    first = client.get_routes(ApiId=api_id, MaxResults="2")
    second = client.get_routes(ApiId=api_id, MaxResults="2", NextToken=first["NextToken"])
    assert len(first["Items"]), len(second["Items"]) == (2, 1)
    assert "NextToken" not in second


def test_a_websocket_api_and_what_it_cannot_have(client: Any) -> None:
    assert refused(client.create_api, Name="a", ProtocolType="WEBSOCKET") == ("BadRequestException", 400)
    selection = "${request.body.action}"
    made = client.create_api(Name="a", ProtocolType="WEBSOCKET", RouteSelectionExpression=selection)
    api_id = made["ApiId"]
    assert (made["ProtocolType"], made["RouteSelectionExpression"]) == ("WEBSOCKET", selection)
    assert made["ApiEndpoint"].startswith("ws://")

    def bad(operation: Any, **given: Any) -> bool:
        return refused(operation, ApiId=api_id, **given) == ("BadRequestException", 400)

    assert bad(client.update_api, RouteSelectionExpression="$request.method")
    assert bad(client.create_route, RouteKey="$other")
    assert bad(client.create_route, RouteKey="$connect", AuthorizationType="JWT", AuthorizerId="a")
    assert bad(client.create_route, RouteKey="x", AuthorizationType="AWS_IAM")
    assert bad(client.create_route, RouteKey="x", ApiKeyRequired=True)
    assert bad(client.create_stage, StageName="$default")
    assert bad(
        client.create_integration, IntegrationType="AWS_PROXY", IntegrationUri="arn:f", PayloadFormatVersion="2.0"
    )
    assert bad(client.create_integration, IntegrationType="MOCK", RequestTemplates={"$default": "#foreach($a in"})
    for uri in ("arn:aws:sqs:us-east-1:1:q", "arn:aws:apigateway:us-east-1:nothing:path/x"):
        assert bad(client.create_integration, IntegrationType="AWS", IntegrationUri=uri)
    assert bad(client.create_integration, IntegrationType="HTTP", IntegrationUri="ftp://x")
    assert bad(client.export_api, Specification="OAS30", OutputType="JSON")
    document = {"openapi": "3.0.1", "info": {"title": "a", "version": "1"}, "paths": {}}
    assert bad(client.reimport_api, Body=json.dumps(document))
    integration = client.create_integration(ApiId=api_id, IntegrationType="MOCK")
    assert (integration["TimeoutInMillis"], integration["PassthroughBehavior"]) == (29_000, "WHEN_NO_MATCH")
    assert integration["IntegrationResponseSelectionExpression"] == "${integration.response.statuscode}"
    given = {"IntegrationId": integration["IntegrationId"]}
    assert bad(client.create_integration_response, IntegrationResponseKey="/(/", **given)
    route = client.create_route(ApiId=api_id, RouteKey="x", RouteResponseSelectionExpression="$default")["RouteId"]
    assert bad(client.create_route_response, RouteId=route, RouteResponseKey="other")
    response = client.create_route_response(ApiId=api_id, RouteId=route, RouteResponseKey="$default")
    assert (
        client.get_route_responses(ApiId=api_id, RouteId=route)["Items"][0]["RouteResponseId"]
        == (response["RouteResponseId"])
    )
    client.delete_api(ApiId=api_id)
    assert refused(client.get_api, ApiId=api_id) == ("NotFoundException", 404)
