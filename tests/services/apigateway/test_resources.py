"""REST APIs out of templates: plain CloudFormation and SAM."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest


@pytest.fixture
def deploy(kumoi: Any) -> Any:
    """Create or update a stack and wait for it; its outputs."""
    client = kumoi.client("cloudformation")
    done: list[str] = []

    def make(template: dict[str, Any]) -> dict[str, str]:
        capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
        change = client.update_stack if done else client.create_stack
        change(StackName="s", TemplateBody=json.dumps(template), Capabilities=capabilities)
        waiter = client.get_waiter("stack_update_complete" if done else "stack_create_complete")
        waiter.wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        done.append("s")
        stack = client.describe_stacks(StackName="s")["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    yield make
    client.delete_stack(StackName="s")
    client.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    gateway = kumoi.client("apigateway")
    assert (
        gateway.get_rest_apis()["items"] == gateway.get_usage_plans()["items"] == gateway.get_api_keys()["items"] == []
    )


def typed(name: str, depends: str | None = None, **properties: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"Type": f"AWS::ApiGateway::{name}", "Properties": properties}
    return made if depends is None else {**made, "DependsOn": depends}


def template(text: str, deployment: str) -> dict[str, Any]:
    api, stage = {"Ref": "Api"}, {"Ref": "Stage"}
    mock = {
        "Type": "MOCK",
        "RequestTemplates": {"application/json": '{"statusCode": 200}'},
        "IntegrationResponses": [{"StatusCode": 200, "ResponseTemplates": {"application/json": text}}],
    }
    method = {
        "RestApiId": api,
        "HttpMethod": "POST",
        "AuthorizationType": "NONE",
        "Integration": mock,
        "MethodResponses": [{"StatusCode": "200", "ResponseModels": {"application/json": "Empty"}}],
    }
    guarded = {"ApiKeyRequired": "true", "RequestValidatorId": {"Ref": "Validator"}}
    return {
        "Resources": {
            "Api": typed("RestApi", Name="n", BinaryMediaTypes=["image~1png"]),
            "Pets": typed("Resource", RestApiId=api, ParentId={"Fn::GetAtt": "Api.RootResourceId"}, PathPart="pets"),
            "Model": typed("Model", RestApiId=api, Name="Pet", Schema={"type": "object", "required": ["name"]}),
            "Validator": typed("RequestValidator", RestApiId=api, ValidateRequestBody=True),
            "Method": typed(
                "Method",
                "Model",
                ResourceId={"Ref": "Pets"},
                RequestModels={"application/json": "Pet"},
                **guarded,
                **method,
            ),
            "Open": typed("Method", ResourceId={"Fn::GetAtt": "Api.RootResourceId"}, **method),
            "Error": typed("GatewayResponse", RestApiId=api, ResponseType="BAD_REQUEST_BODY", StatusCode=422),
            deployment: typed("Deployment", "Method", RestApiId=api),
            "Stage": typed(
                "Stage",
                RestApiId=api,
                DeploymentId={"Ref": deployment},
                StageName="dev",
                Variables={"v": text},
                CanarySetting={"PercentTraffic": 0, "StageVariableOverrides": {"V": text}},
                MethodSettings=[{"ResourcePath": "/pets", "HttpMethod": "POST", "ThrottlingBurstLimit": "50"}],
            ),
            "Key": typed("ApiKey", Enabled=True, Value="v" * 20),
            "Plan": typed(
                "UsagePlan", ApiStages=[{"ApiId": api, "Stage": stage}], Quota={"Limit": 50, "Period": "DAY"}
            ),
            "PlanKey": typed("UsagePlanKey", KeyId={"Ref": "Key"}, KeyType="API_KEY", UsagePlanId={"Ref": "Plan"}),
            "Account": typed("Account"),
        },
        "Outputs": {"Id": {"Value": api}, "Key": {"Value": {"Fn::GetAtt": "Key.APIKeyId"}}},
    }


def test_a_template_makes_and_changes_an_api(client: Any, deploy: Any, ask: Any) -> None:
    for text, deployment in (("one", "DeploymentA"), ("two", "DeploymentB")):
        outputs = deploy(template(text, deployment))
        api_id = outputs["Id"]
        key = {"x-api-key": "v" * 20}
        assert ask(api_id, "POST", "/pets", headers=key, body=b'{"name": "x"}').data.decode() == text
        assert ask(api_id, "POST", "/pets", headers=key, body=b"{}").status == 422
        assert ask(api_id, "POST", "/pets", body=b"{}").status == 403
        assert ask(api_id, "POST", "/", body=b"{}").data.decode() == text
        stage = client.get_stage(restApiId=api_id, stageName="dev")
        assert stage["variables"] == {"v": text}
        assert stage["canarySettings"] == {"percentTraffic": 0.0, "stageVariableOverrides": {"V": text}}
        assert stage["methodSettings"]["pets/POST"]["throttlingBurstLimit"] == 50
    assert client.get_api_key(apiKey=outputs["Key"])["enabled"] is True
    assert len(client.get_deployments(restApiId=api_id)["items"]) == 1


def test_sam_makes_apis_of_events(kumoi: Any, zipped: Any, deploy: Any, ask: Any) -> None:
    s3 = kumoi.client("s3")
    bucket = f"code-{kumoi.account}"
    s3.create_bucket(Bucket=bucket)
    source = (
        "import json\n\ndef handler(event, context):\n"
        "    if event.get('type') == 'TOKEN':\n"
        "        effect = 'Allow' if event['authorizationToken'] == 'right' else 'Deny'\n"
        "        statement = {'Effect': effect, 'Action': 'execute-api:Invoke', 'Resource': '*'}\n"
        "        policy = {'Version': '2012-10-17', 'Statement': [statement]}\n"
        "        return {'principalId': 'ada', 'policyDocument': policy}\n"
        "    return {'body': event['httpMethod'] + ' ' + event['resource']}\n"
    )
    s3.put_object(Bucket=bucket, Key="code.zip", Body=zipped({"app.py": source}))
    events = {
        "Implicit": {"Type": "Api", "Properties": {"Path": "/hello/{name}", "Method": "any"}},
        "Explicit": {
            "Type": "Api",
            "Properties": {
                "Path": "/guarded",
                "Method": "post",
                "RestApiId": {"Ref": "Api"},
                "RequestModel": {"Model": "Pet", "Required": True, "ValidateBody": True},
            },
        },
    }
    outputs = deploy(
        {
            "Transform": "AWS::Serverless-2016-10-31",
            "Resources": {
                "Api": {
                    "Type": "AWS::Serverless::Api",
                    "Properties": {
                        "StageName": "prod",
                        "Cors": "'*'",
                        "Models": {"Pet": {"type": "object", "required": ["name"]}},
                        "Auth": {
                            "DefaultAuthorizer": "Guard",
                            "AddDefaultAuthorizerToCorsPreflight": False,
                            "Authorizers": {"Guard": {"FunctionArn": {"Fn::GetAtt": ["Hello", "Arn"]}}},
                            "UsagePlan": {"CreateUsagePlan": "PER_API"},
                        },
                        "MethodSettings": [{"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingBurstLimit": 5}],
                        "GatewayResponses": {"DEFAULT_4XX": {"ResponseParameters": {"Headers": {"X-Own": "'y'"}}}},
                    },
                },
                "Hello": {
                    "Type": "AWS::Serverless::Function",
                    "Properties": {
                        "Runtime": f"python3.{sys.version_info.minor}",
                        "Handler": "app.handler",
                        "CodeUri": f"s3://{bucket}/code.zip",
                        "Events": events,
                    },
                },
            },
            "Outputs": {"Implicit": {"Value": {"Ref": "ServerlessRestApi"}}, "Explicit": {"Value": {"Ref": "Api"}}},
        }
    )
    assert ask(outputs["Implicit"], path="/hello/x", stage="Prod").data == b"GET /hello/{name}"
    guarded = outputs["Explicit"]

    def post(token: str, body: bytes) -> Any:
        return ask(guarded, "POST", "/guarded", stage="prod", headers={"Authorization": token}, body=body)

    assert post("right", b'{"name": "x"}').data == b"POST /guarded"
    assert post("right", b"{}").json() == {"message": "Invalid request body"}
    wrong = post("wrong", b'{"name": "x"}')
    assert (wrong.status, wrong.headers["x-own"]) == (403, "y")
    preflight = ask(guarded, "OPTIONS", "/guarded", stage="prod")
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (200, "*")
