"""UpdatePolicy's CodeDeployLambdaAliasUpdate: an alias goes to its new version by a deployment, waited for.

Source: "UpdatePolicy attribute" of the template reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.wire.errors import aws_error

ALIAS = "AWS::Lambda::Alias"
MEMBER = "CodeDeployLambdaAliasUpdate"


def shifts(call: ResourceCall, policy: Mapping[str, Any] | None) -> bool:
    """Whether an update of an alias is a shift of its traffic: its version is another, and a policy says how."""
    return (
        call.kind == ALIAS
        and isinstance((policy or {}).get(MEMBER), dict)
        and call.properties.get("FunctionVersion") != call.before.get("FunctionVersion")
    )


async def shift(call: ResourceCall, policy: Mapping[str, Any]) -> Resource:
    """Have CodeDeploy shift the alias; ValidationError when the deployment does not succeed."""
    wanted = policy[MEMBER]
    hooks = [{name.removesuffix("Hook"): wanted[name]} for name in wanted if name.endswith("AllowTrafficHook")]
    specification = {
        "version": 0.0,
        "Resources": [
            {
                call.logical_id: {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {
                        "Name": str(call.properties["FunctionName"]),
                        "Alias": str(call.properties["Name"]),
                        "CurrentVersion": str(call.before["FunctionVersion"]),
                        "TargetVersion": str(call.properties["FunctionVersion"]),
                    },
                }
            }
        ],
        "Hooks": hooks,
    }
    content = {"content": orjson.dumps(specification).decode()}
    begun = await call.ask(
        "codedeploy",
        "CreateDeployment",
        applicationName=str(wanted["ApplicationName"]),
        deploymentGroupName=str(wanted["DeploymentGroupName"]),
        revision={"revisionType": "AppSpecContent", "appSpecContent": content},
    )
    answer = await call.ask("codedeploy", "AwaitDeployment", deploymentId=begun["deploymentId"])
    ended = answer["deploymentInfo"]
    if ended["status"] != "Succeeded":
        told = (ended.get("errorInformation") or {}).get("message", "")
        raise aws_error(
            "ValidationError",
            f"Deployment {begun['deploymentId']} of {wanted['DeploymentGroupName']} "
            f"is {ended['status']}. {told}".rstrip(),
        )
    return Resource(call.physical_id, call.attributes)
