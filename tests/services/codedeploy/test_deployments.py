"""Deployments through boto3 and templates: traffic shifts on the platform's clock, hooks decide, failures go back."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.kumoi_clock

RUNTIME = f"python3.{sys.version_info.minor}"
HOOK = """
import boto3, os
def handler(event, context):
    if os.environ["VERDICT"] == "silence":
        return
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"], status=os.environ["VERDICT"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"])
"""


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("codedeploy")


@pytest.fixture
def weights(kumoi: Any) -> Callable[[], tuple[str, dict[str, float]]]:
    """The alias's version, and the weight of the other one."""

    def look() -> tuple[str, dict[str, float]]:
        alias = kumoi.client("lambda").get_alias(FunctionName="f", Name="live")
        return alias["FunctionVersion"], alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})

    return look


@pytest.fixture
def deploy(kumoi: Any, client: Any, zipped: Any) -> Callable[..., str]:
    """A function of two versions and a deployment from the first to the second; its id."""

    def make(config: str, before: str | None = None, after: str | None = None, **options: Any) -> str:
        functions = kumoi.client("lambda")
        given = {"Runtime": RUNTIME, "Handler": "app.handler", "Role": f"arn:aws:iam::{kumoi.account}:role/any"}
        for number in (1, 2):
            code = zipped({"app.py": f"def handler(event, context):\n    return {number}\n"})
            if number == 1:
                functions.create_function(FunctionName="f", Code={"ZipFile": code}, **given)
            else:
                functions.update_function_code(FunctionName="f", ZipFile=code)
            functions.publish_version(FunctionName="f")
        functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
        hooks = []
        for name, verdict in (("BeforeAllowTraffic", before), ("AfterAllowTraffic", after)):
            if verdict:
                functions.create_function(
                    FunctionName=name,
                    Code={"ZipFile": zipped({"app.py": HOOK})},
                    Environment={"Variables": {"VERDICT": verdict}},
                    Timeout=60,
                    **given,
                )
                hooks.append({name: name})
        client.create_application(applicationName="app", computePlatform="Lambda")
        rollback = {"enabled": True, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST"]}
        client.create_deployment_group(
            applicationName="app",
            deploymentGroupName="group",
            serviceRoleArn=given["Role"],
            deploymentConfigName=config,
            **({"autoRollbackConfiguration": rollback} | options),
        )
        properties = {"Name": "f", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}
        content = {"Resources": [{"f": {"Type": "AWS::Lambda::Function", "Properties": properties}}], "Hooks": hooks}
        revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(content)}}
        made = client.create_deployment(applicationName="app", deploymentGroupName="group", revision=revision)
        return str(made["deploymentId"])

    return make


def ended(client: Any, deployment: str) -> dict[str, Any]:
    while (found := client.get_deployment(deploymentId=deployment)["deploymentInfo"])["status"] == "InProgress":
        continue
    return dict(found)


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        continue


def test_a_canary_takes_a_tenth_first(kumoi: Any, client: Any, deploy: Any, weights: Any) -> None:
    deployment = deploy("CodeDeployDefault.LambdaCanary10Percent5Minutes")
    until(lambda: bool(weights() == ("1", {"2": 0.1})))
    kumoi.advance(240)
    assert weights() == ("1", {"2": 0.1})
    target = client.get_deployment_target(deploymentId=deployment, targetId="f:live")["deploymentTarget"]
    assert target["lambdaTarget"]["lambdaFunctionInfo"]["targetVersionWeight"] == 0.1
    kumoi.advance(61)
    assert ended(client, deployment)["status"] == "Succeeded"
    assert weights() == ("2", {})


def test_a_linear_shift_takes_step_by_step(kumoi: Any, client: Any, deploy: Any, weights: Any) -> None:
    deployment = deploy("CodeDeployDefault.LambdaLinear10PercentEvery1Minute", after="Succeeded")
    until(lambda: bool(weights() == ("1", {"2": 0.1})))
    kumoi.advance(30)  # half a minute past each step from now on: one begins later by what the others took
    for share in (0.2, 0.3):
        kumoi.advance(60)
        assert weights() == ("1", {"2": share})
    kumoi.advance(7 * 60)
    assert weights() == ("2", {})
    assert ended(client, deployment)["status"] == "Succeeded"
    events = client.get_deployment_target(deploymentId=deployment, targetId="f:live")["deploymentTarget"]
    assert [(one["lifecycleEventName"], one["status"]) for one in events["lambdaTarget"]["lifecycleEvents"]] == [
        ("BeforeAllowTraffic", "Skipped"),
        ("AllowTraffic", "Succeeded"),
        ("AfterAllowTraffic", "Succeeded"),
    ]


def test_a_hook_that_refuses_goes_back(client: Any, deploy: Any, weights: Any) -> None:
    deployment = deploy("CodeDeployDefault.LambdaAllAtOnce", before="Succeeded", after="Failed")
    found = ended(client, deployment)
    assert found["status"] == "Failed"
    assert found["errorInformation"]["code"] == "HOOK_EXECUTION_FAILURE"
    assert "AfterAllowTraffic failed" in found["errorInformation"]["message"]
    assert weights() == ("1", {})
    with pytest.raises(ClientError) as error:
        client.put_lifecycle_event_hook_execution_status(
            deploymentId=deployment,
            lifecycleEventHookExecutionId=f"{deployment}-AfterAllowTraffic",
            status="Succeeded",
        )
    assert error.value.response["Error"]["Code"] == "LifecycleEventAlreadyCompletedException"


def test_a_hook_that_is_silent_fails_after_an_hour(kumoi: Any, client: Any, deploy: Any, weights: Any) -> None:
    deployment = deploy("CodeDeployDefault.LambdaAllAtOnce", before="silence")
    target = {"deploymentId": deployment, "targetId": "f:live"}
    until(lambda: bool(client.get_deployment_target(**target)["deploymentTarget"]["lambdaTarget"]["lifecycleEvents"]))
    kumoi.advance(3500)
    assert client.get_deployment(deploymentId=deployment)["deploymentInfo"]["status"] == "InProgress"
    kumoi.advance(101)
    assert "did not report" in ended(client, deployment)["errorInformation"]["message"]
    assert weights() == ("1", {})


def test_an_alarm_ends_a_deployment(kumoi: Any, client: Any, deploy: Any, weights: Any) -> None:
    cloudwatch = kumoi.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        Namespace="shop",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    deployment = deploy(
        "CodeDeployDefault.LambdaCanary10Percent30Minutes",
        alarmConfiguration={"enabled": True, "alarms": [{"name": "errors"}]},
        autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_STOP_ON_ALARM"]},
    )
    until(lambda: bool(weights()[1]))
    kumoi.advance(30)
    assert client.get_deployment(deploymentId=deployment)["deploymentInfo"]["status"] == "InProgress"
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a test")
    kumoi.advance(15)
    assert ended(client, deployment)["errorInformation"]["code"] == "ALARM_ACTIVE"
    assert weights() == ("1", {})


def test_a_deployment_whose_alias_is_gone_fails(kumoi: Any, client: Any, deploy: Any, weights: Any) -> None:
    deployment = deploy("CodeDeployDefault.LambdaCanary10Percent5Minutes")
    until(lambda: bool(weights()[1]))
    kumoi.client("lambda").delete_alias(FunctionName="f", Name="live")
    kumoi.advance(301)
    found = ended(client, deployment)
    assert found["status"] == "Failed"
    assert "Traffic could not be shifted back" in found["errorInformation"]["message"]
    assert "rollbackInfo" not in found


def test_a_deployment_is_stopped(client: Any, deploy: Any, weights: Any) -> None:
    deployment = deploy("CodeDeployDefault.LambdaCanary10Percent30Minutes")
    until(lambda: bool(weights()[1]))
    client.stop_deployment(deploymentId=deployment)
    assert ended(client, deployment)["status"] == "Stopped"
    assert weights() == ("1", {})
    with pytest.raises(ClientError) as error:
        client.stop_deployment(deploymentId=deployment)
    assert error.value.response["Error"]["Code"] == "DeploymentAlreadyCompletedException"
    assert client.list_deployments(applicationName="app")["deployments"] == [deployment]


def test_applications_groups_and_configurations(client: Any, deploy: Any) -> None:
    deploy("CodeDeployDefault.LambdaAllAtOnce")
    routing = {"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 25, "canaryInterval": 1}}
    client.create_deployment_config(
        deploymentConfigName="quarter", computePlatform="Lambda", trafficRoutingConfig=routing
    )
    told = client.get_deployment_config(deploymentConfigName="quarter")["deploymentConfigInfo"]
    assert told["trafficRoutingConfig"] == routing
    assert "quarter" in client.list_deployment_configs()["deploymentConfigsList"]
    client.update_deployment_group(
        applicationName="app", currentDeploymentGroupName="group", deploymentConfigName="quarter"
    )
    group = client.get_deployment_group(applicationName="app", deploymentGroupName="group")["deploymentGroupInfo"]
    assert group["deploymentConfigName"] == "quarter"
    assert client.list_applications()["applications"] == ["app"]
    client.delete_application(applicationName="app")
    for call, code in (
        (lambda: client.get_application(applicationName="app"), "ApplicationDoesNotExistException"),
        (lambda: client.create_application(applicationName="x"), "InvalidComputePlatformException"),
        (lambda: client.get_deployment(deploymentId="d-1"), "DeploymentDoesNotExistException"),
        (lambda: client.get_deployment_config(deploymentConfigName="x"), "DeploymentConfigDoesNotExistException"),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert error.value.response["Error"]["Code"] == code


SAM = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Greet:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: RUNTIME
      Handler: index.handler
      InlineCode: "def handler(event, context): return 'ANSWER'"
      AutoPublishAlias: live
      AutoPublishAliasAllProperties: true
      DeploymentPreference: {Type: TYPE}
Outputs: {Alias: {Value: !Ref Greet.Alias}}
""".replace("RUNTIME", RUNTIME)


def test_tags_and_another_name(kumoi: Any, client: Any) -> None:
    client.create_application(applicationName="a", computePlatform="Lambda", tags=[{"Key": "x", "Value": "1"}])
    client.create_deployment_group(
        applicationName="a",
        deploymentGroupName="g",
        serviceRoleArn=f"arn:aws:iam::{kumoi.account}:role/any",
        tags=[{"Key": "y", "Value": "2"}],
        outdatedInstancesStrategy="IGNORE",
    )
    group = client.get_deployment_group(applicationName="a", deploymentGroupName="g")["deploymentGroupInfo"]
    assert group["outdatedInstancesStrategy"] == "IGNORE"
    prefix = f"arn:aws:codedeploy:us-east-1:{kumoi.account}"
    client.tag_resource(ResourceArn=f"{prefix}:application:a", Tags=[{"Key": "z", "Value": "3"}])
    client.untag_resource(ResourceArn=f"{prefix}:application:a", TagKeys=["x"])
    client.update_application(applicationName="a", newApplicationName="b")
    assert client.list_applications()["applications"] == ["b"]
    for resource, tags in (
        ("application:b", [{"Key": "z", "Value": "3"}]),
        ("deploymentgroup:b/g", [{"Key": "y", "Value": "2"}]),
    ):
        assert client.list_tags_for_resource(ResourceArn=f"{prefix}:{resource}")["Tags"] == tags
    for missing, error in (("application:a", "ApplicationDoesNotExist"), ("deploymentconfig:c", "ArnNotSupported")):
        with pytest.raises(ClientError, match=error):
            client.list_tags_for_resource(ResourceArn=f"{prefix}:{missing}")


def test_sams_deployment_preference(kumoi: Any) -> None:
    stacks, functions = kumoi.client("cloudformation"), kumoi.client("lambda")
    capabilities = {"Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]}

    def body(answer: str) -> str:
        return SAM.replace("ANSWER", answer).replace("TYPE", "Canary10Percent5Minutes")

    def status() -> str:
        return str(stacks.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"])

    stacks.create_stack(StackName="s", TemplateBody=body("one"), **capabilities)
    until(lambda: not status().endswith("IN_PROGRESS"))
    reasons = [one.get("ResourceStatusReason") for one in stacks.describe_stack_events(StackName="s")["StackEvents"]]
    assert status() == "CREATE_COMPLETE", reasons
    alias = stacks.describe_stacks(StackName="s")["Stacks"][0]["Outputs"][0]["OutputValue"]
    stacks.update_stack(StackName="s", TemplateBody=body("two"), **capabilities)
    name, _, qualifier = alias.rpartition(":")

    def weights() -> dict[str, float]:
        found = functions.get_alias(FunctionName=name, Name=qualifier)
        return dict(found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}))

    until(lambda: weights() == {"2": 0.1})
    assert status() == "UPDATE_IN_PROGRESS"
    kumoi.advance(301)
    until(lambda: not status().endswith("IN_PROGRESS"))
    assert status() == "UPDATE_COMPLETE"
    assert json.load(functions.invoke(FunctionName=alias)["Payload"]) == "two"
