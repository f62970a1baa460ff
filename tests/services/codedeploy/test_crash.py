"""A platform killed in the middle of a deployment: the next one goes on with it."""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import Any

import pytest


@pytest.mark.slow
def test_a_deployment_goes_on_after_a_crash(killable: Any, zipped: Any) -> None:
    killable.start()
    functions, client = killable.client("lambda"), killable.client("codedeploy")
    role = "arn:aws:iam::000000000000:role/any"
    functions.create_function(
        FunctionName="f",
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="app.handler",
        Role=role,
        Code={"ZipFile": zipped({"app.py": "handler = print\n"})},
    )
    functions.publish_version(FunctionName="f")
    functions.update_function_code(FunctionName="f", ZipFile=zipped({"app.py": "handler = len\n"}))
    functions.publish_version(FunctionName="f")
    functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    client.create_application(applicationName="app", computePlatform="Lambda")
    client.create_deployment_group(
        applicationName="app",
        deploymentGroupName="group",
        serviceRoleArn=role,
        deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
    )
    properties = {"Name": "f", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}
    content = json.dumps({"Resources": [{"f": {"Type": "AWS::Lambda::Function", "Properties": properties}}]})
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}
    made = client.create_deployment(applicationName="app", deploymentGroupName="group", revision=revision)
    killable.kill()
    killable.start()

    def alias() -> Any:
        return functions.get_alias(FunctionName="f", Name="live")

    while alias().get("RoutingConfig", {}).get("AdditionalVersionWeights") != {"2": 0.1}:
        continue
    killable.kill()
    killable.start()
    body = json.dumps({"action": "advance", "seconds": 301}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{killable.url}/_kumoi/clock", body)).close()
    while client.get_deployment(deploymentId=made["deploymentId"])["deploymentInfo"]["status"] == "InProgress":
        continue
    assert alias()["FunctionVersion"] == "2"
