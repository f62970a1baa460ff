"""HTTP APIs out of templates: plain CloudFormation and SAM."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest


@pytest.fixture
def deploy(kumoi: Any) -> Any:
    """Create a stack and wait for it; its outputs."""
    client = kumoi.client("cloudformation")

    def make(template: dict[str, Any]) -> dict[str, str]:
        capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
        client.create_stack(StackName="s", TemplateBody=json.dumps(template), Capabilities=capabilities)
        waiter = client.get_waiter("stack_create_complete")
        waiter.wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        stack = client.describe_stacks(StackName="s")["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    yield make
    client.delete_stack(StackName="s")
    client.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert kumoi.client("apigatewayv2").get_apis()["Items"] == []


def test_a_template_makes_an_api(function: Any, deploy: Any, ask: Any) -> None:
    arn = function("return 'made'")
    resources = {
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "n", "ProtocolType": "HTTP"}},
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": arn,
                "PayloadFormatVersion": "2.0",
                "TimeoutInMillis": "5000",
            },
        },
        "Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "RouteKey": "GET /a",
                "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]},
            },
        },
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
        },
    }
    outputs = deploy({"Resources": resources, "Outputs": {"Id": {"Value": {"Ref": "Api"}}}})
    assert ask(outputs["Id"], path="/a").data == b"made"


def test_sam_makes_an_api_of_events(kumoi: Any, zipped: Any, deploy: Any, ask: Any) -> None:
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket=f"code-{kumoi.account}")
    source = "def handler(event, context):\n    return event['routeKey']\n"
    s3.put_object(Bucket=f"code-{kumoi.account}", Key="code.zip", Body=zipped({"app.py": source}))
    outputs = deploy(
        {
            "Transform": "AWS::Serverless-2016-10-31",
            "Resources": {
                "Hello": {
                    "Type": "AWS::Serverless::Function",
                    "Properties": {
                        "Runtime": f"python3.{sys.version_info.minor}",
                        "Handler": "app.handler",
                        "CodeUri": f"s3://code-{kumoi.account}/code.zip",
                        "Events": {
                            "Get": {"Type": "HttpApi", "Properties": {"Path": "/hello/{name}", "Method": "get"}}
                        },
                    },
                }
            },
            "Outputs": {"Id": {"Value": {"Ref": "ServerlessHttpApi"}}},
        }
    )
    answer = ask(outputs["Id"], path="/hello/x")
    assert (answer.status, answer.data) == (200, b"GET /hello/{name}")


def test_sam_makes_a_websocket_api(function: Any, deploy: Any, kumoi: Any) -> None:
    from websockets.sync.client import connect

    arn = function("return {'statusCode': 200, 'body': json.dumps(event['requestContext']['routeKey'])}")
    one_way = {"FunctionArn": arn}
    two_way = {**one_way, "RouteResponseSelectionExpression": "$default"}
    resources = {
        "Api": {
            "Type": "AWS::Serverless::WebSocketApi",
            "Properties": {
                "RouteSelectionExpression": "$request.body.action",
                "StageName": "live",
                "Routes": {"$connect": one_way, "ping": two_way},
            },
        }
    }
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    outputs = deploy({**template, "Outputs": {"Id": {"Value": {"Ref": "Api"}}}})
    client = kumoi.client("apigatewayv2")
    api = client.get_api(ApiId=outputs["Id"])
    assert (api["ProtocolType"], client.get_stages(ApiId=outputs["Id"])["Items"][0]["StageName"]) == (
        "WEBSOCKET",
        "live",
    )
    routes = {one["RouteKey"]: one["RouteId"] for one in client.get_routes(ApiId=outputs["Id"])["Items"]}
    client.create_route_response(ApiId=outputs["Id"], RouteId=routes["ping"], RouteResponseKey="$default")
    with connect(
        f"ws{kumoi.url.removeprefix('http')}/_kumoi/execute-api/{outputs['Id']}/live", open_timeout=60
    ) as peer:
        peer.send('{"action": "ping"}')
        assert peer.recv(timeout=60) == '"ping"'


def test_a_template_makes_every_part_of_a_websocket_api(function: Any, deploy: Any, kumoi: Any) -> None:
    def part(kind: str, **properties: Any) -> dict[str, Any]:
        own = {} if kind == "Api" else {"ApiId": {"Ref": "Api"}}
        return {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": {**own, **properties}}

    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function()}/invocations"
    selection = {"RouteSelectionExpression": "$request.body.action"}
    models = {"ModelSelectionExpression": "$default", "RequestModels": {"$default": "Order"}}
    template = {"$default": '{"statusCode": 200}'}
    resources = {
        "Api": part("Api", Name="n", ProtocolType="WEBSOCKET", **selection),
        "Authorizer": part(
            "Authorizer",
            Name="a",
            AuthorizerType="REQUEST",
            AuthorizerUri=uri,
            IdentitySource=["route.request.header.Auth"],
        ),
        "Model": part("Model", Name="Order", ContentType="application/json", Schema={"type": "object"}),
        "Mock": part("Integration", IntegrationType="MOCK", RequestTemplates=template),
        "Answer": part(
            "IntegrationResponse",
            IntegrationId={"Ref": "Mock"},
            IntegrationResponseKey="$default",
            ResponseTemplates={"$default": "made"},
        ),
        "Connect": part("Route", RouteKey="$connect", AuthorizationType="CUSTOM", AuthorizerId={"Ref": "Authorizer"}),
        "Order": part(
            "Route",
            RouteKey="order",
            Target={"Fn::Sub": "integrations/${Mock}"},
            RouteResponseSelectionExpression="$default",
            **models,
        ),
        "Response": part("RouteResponse", RouteId={"Ref": "Order"}, RouteResponseKey="$default"),
        "Stage": part("Stage", StageName="dev", AutoDeploy="true"),
    }
    outputs = deploy({"Resources": resources, "Outputs": {"Id": {"Value": {"Ref": "Api"}}}})
    client, api_id = kumoi.client("apigatewayv2"), outputs["Id"]
    [model] = client.get_models(ApiId=api_id)["Items"]
    assert (model["Name"], json.loads(model["Schema"])) == ("Order", {"type": "object"})
    [authorizer] = client.get_authorizers(ApiId=api_id)["Items"]
    routes = {one["RouteKey"]: one for one in client.get_routes(ApiId=api_id)["Items"]}
    assert routes["$connect"]["AuthorizerId"] == authorizer["AuthorizerId"]
    assert routes["order"]["RequestModels"] == {"$default": "Order"}
