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
        waiter.wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        stack = client.describe_stacks(StackName="s")["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    yield make
    client.delete_stack(StackName="s")
    client.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
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
