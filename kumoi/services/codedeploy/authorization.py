"""Which permissions CodeDeploy's calls need: on an application, a deployment group or a configuration.

Source: "Actions, resources, and condition keys for AWS CodeDeploy" of the service authorization reference. A call that
names a deployment alone is asked about on every resource. Whoever makes a deployment group hands it the role it
deploys in.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import pass_role


def addressed(call: Call) -> str:
    """What a call names, as policies write it."""
    params = call.params
    if isinstance(params.get("ResourceArn"), str):
        return str(params["ResourceArn"])
    application = params.get("applicationName")
    group = params.get("deploymentGroupName", params.get("currentDeploymentGroupName"))
    if isinstance(application, str) and isinstance(group, str):
        return call.arn("codedeploy", f"deploymentgroup:{application}/{group}")
    if isinstance(application, str):
        return call.arn("codedeploy", f"application:{application}")
    config = params.get("deploymentConfigName")
    return call.arn("codedeploy", f"deploymentconfig:{config}") if isinstance(config, str) else "*"


def with_role(call: Call) -> Iterator[Ask]:
    """The deployment group, and its role."""
    yield from AUTHORIZATION.usual(call)
    yield from pass_role(call, call.params.get("serviceRoleArn"), "codedeploy.amazonaws.com")


AUTHORIZATION = Authorization(
    "codedeploy",
    resource=addressed,
    asks=dict.fromkeys(("CreateDeploymentGroup", "UpdateDeploymentGroup"), with_role),
)
